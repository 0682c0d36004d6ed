# Small programs in C and C++ against the installed libraries, found by pkg-config alone.
# Usage: run.sh FOLDER, with DESTDIR, libdir, pkgconfigdir, and how to compile in the environment.
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
        passed=$((passed + 1)) || { echo "failed: ${source##*/} with $package"; failed=$((failed + 1)); }
}

skip() {
    echo "skip: installed/$1"
    skipped=$((skipped + 1))
}

both() {   # package, name
    try "$1" "$folder/$2.c" $CC $SANITIZE
    if test "$with_cxx" = yes; then try "$1" "$folder/$2.cc" $CXX $SANITIZE; else skip "$2.cc: $with_cxx"; fi
}

template() {   # is copied, built in one command, passes its test, and greets in the installed host
    cp "$DESTDIR$templatedir"/* "$dir" && chmod go-w "$dir" && umask 022 &&
        MAKEFLAGS= MAKELEVEL= make -s -C "$dir" CC="$CC" PKG_CONFIG="$PKG_CONFIG" LDFLAGS="$SANITIZE" hello.so check >"$dir/checked" &&
        grep -q "^hello, test$" "$dir/checked" &&
        printf "[plugin hello]\nfile = hello.so\nname = template\n[actions]\ntimer.expired = drain\n" >"$dir/hello.ini" &&
        timeout 60 "$DESTDIR$bindir/tocsin" run "$dir/hello.ini" >"$dir/said" && grep -q "^hello, template$" "$dir/said"
}

folder=$1
both tocsin core
if test "$with_net" = yes; then both tocsin-net net; else skip "net: $with_net"; fi
plugins=$($PKG_CONFIG --variable=plugindir tocsin)
case $plugins in */tocsin/plugins) ;; *) echo "failed: plugindir is '$plugins'"; failed=$((failed + 1)) ;; esac
if test "$with_tools" = yes; then
    if template; then passed=$((passed + 1)); else echo "failed: the template"; failed=$((failed + 1)); fi
else
    skip "template: $with_tools"
fi
echo "installed: $passed passed, $failed failed, $skipped skipped"
test $failed = 0
