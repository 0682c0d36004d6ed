# For --help and -h, the demonstrations and tocsin print their usage on the standard output. They
# refuse unknown options.
failed=0
programs=
test "$with_demos" = yes &&
    programs="demos/loops/loops demos/plugins/plugins demos/proxy/proxy demos/styles/styles" ||
    echo "skip: programs/demo_help: demos: $with_demos"
test "$with_tools" = yes && programs="$programs tools/tocsin/tocsin" ||
    echo "skip: programs/demo_help: tools: $with_tools"
said=$(mktemp) complaint=$(mktemp) || exit 2
trap 'rm -f "$said" "$complaint"' EXIT

asked() {   # program, option
    timeout 60 "$@" >"$said" 2>"$complaint"; status=$?
    test $status = 0 && grep -q '^Usage: ' "$said" && grep -q -- '--help' "$said" &&
        test ! -s "$complaint" ||
        { echo "$*: status $status"; cat "$said" "$complaint"; failed=1; }
}

refused() {   # program, option
    timeout 60 "$@" >"$said" 2>"$complaint"; status=$?
    test $status = 2 && test ! -s "$said" && test -s "$complaint" ||
        { echo "$*: status $status"; cat "$said" "$complaint"; failed=1; }
}

for program in $programs; do
    asked $program --help
    asked $program -h
    refused $program --no-such-option
done
exit $failed
