# Builds small programs in C and C++ with the installed libraries, which only pkg-config finds.
# Usage: run.sh FOLDER, with DESTDIR, libdir, pkgconfigdir and the compilers in the environment.
dir=$(mktemp -d ./installed.XXXXXX) || exit 2
trap 'rm -rf "$dir"' EXIT
PKG_CONFIG_PATH=$DESTDIR$pkgconfigdir${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
LD_LIBRARY_PATH=$DESTDIR$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export PKG_CONFIG_PATH LD_LIBRARY_PATH
test -z "$DESTDIR" || { PKG_CONFIG_SYSROOT_DIR=$DESTDIR; export PKG_CONFIG_SYSROOT_DIR; }
passed=0 failed=0 skipped=0

try() {   # package, source, compiler and options
    package=$1 source=$2; shift 2
    flags=$($PKG_CONFIG --cflags --libs "$package") &&
        "$@" -Wall -Wextra -Werror -o "$dir/program" "$source" $flags && "$dir/program" &&
        passed=$((passed + 1)) ||
            { echo "failed: ${source##*/} with $package"; failed=$((failed + 1)); }
}

skip() {
    echo "skip: installed/$1"
    skipped=$((skipped + 1))
}

both() {   # package, name
    try "$1" "$folder/$2.c" $CC $SANITIZE
    if test "$with_cxx" = yes; then
        try "$1" "$folder/$2.cc" $CXX $SANITIZE
    else
        skip "$2.cc: $with_cxx"
    fi
}

# Copies the template, builds it with one command, runs its test, and runs the plugin in the
# installed host.
template() {
    cp "$DESTDIR$templatedir"/* "$dir" && chmod go-w "$dir" && umask 022 &&
        MAKEFLAGS= MAKELEVEL= make -s -C "$dir" CC="$CC" PKG_CONFIG="$PKG_CONFIG" \
            LDFLAGS="$SANITIZE" hello.so check >"$dir/checked" &&
        grep -q "^hello, test$" "$dir/checked" &&
        printf '%s\n' '[plugin hello]' 'file = hello.so' 'name = template' '[actions]' \
            'timer.expired = drain' >"$dir/hello.ini" &&
        timeout 60 "$DESTDIR$bindir/tocsin" run "$dir/hello.ini" >"$dir/said" &&
            grep -q "^hello, template$" "$dir/said"
}

with_cmake() {   # builds programs and a plugin with the packages that CMake finds
    components= programs="core hpp test"
    test "$with_net" = yes && components="COMPONENTS;net" programs="$programs net"
    cmake -S "$folder/cmake" -B "$dir/cmake" -DCMAKE_PREFIX_PATH="$DESTDIR$prefix" \
            -Dcomponents="$components" \
            -Dtemplate="$(realpath -m --relative-to="$DESTDIR$libdir" "$DESTDIR$templatedir")" \
            -DCMAKE_C_FLAGS="$SANITIZE" -DCMAKE_CXX_FLAGS="$SANITIZE" \
            -DCMAKE_MODULE_LINKER_FLAGS="$SANITIZE" >"$dir/cmade" 2>&1 &&
        MAKEFLAGS= MAKELEVEL= cmake --build "$dir/cmake" >>"$dir/cmade" 2>&1 ||
            { cat "$dir/cmade"; return 1; }
    test -e "$dir/cmake/hello.so" || return 1
    for program in $programs; do "$dir/cmake/$program" || return 1; done
}

folder=$1
both tocsin core
both tocsin-test test
if test "$with_net" = yes; then both tocsin-net net; else skip "net: $with_net"; fi
plugins=$($PKG_CONFIG --variable=plugindir tocsin)
case $plugins in
*/tocsin/plugins) ;;
*) echo "failed: plugindir is '$plugins'"; failed=$((failed + 1)) ;;
esac
if test "$with_tools" = yes; then
    if template; then
        passed=$((passed + 1))
    else
        echo "failed: the template"
        failed=$((failed + 1))
    fi
else
    skip "template: $with_tools"
fi
if ! command -v cmake >/dev/null; then skip "cmake: it is not installed"
elif test "$with_cxx" != yes; then skip "cmake: $with_cxx"
elif with_cmake; then passed=$((passed + 1))
else echo "failed: with cmake"; failed=$((failed + 1))
fi
echo "installed: $passed passed, $failed failed, $skipped skipped"
test $failed = 0
