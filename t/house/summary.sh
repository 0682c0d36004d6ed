# Tests that t/summary counts the tests of Check one by one. t/summary must also count crashes,
# tests that never ran and Check programs that ended early, and print the names of skipped tests.
dir=$(mktemp -d ./summary.XXXXXX) || exit 2
trap 'rm -rf "$dir"' EXIT

ran() {   # test, result. Standard input: its output
    cat >"$dir/$1.log"
    test "$2" = none || echo ":test-result: $2" >"$dir/$1.trs"
}

ran check PASS <<END
Running suite(s): check
skip: check/here: a part of it
100%: Checks: 12, Failures: 0, Errors: 0
END
ran bad FAIL <<END
75%: Checks: 4, Failures: 0, Errors: 1
END
ran leak FAIL <<END
100%: Checks: 2, Failures: 0, Errors: 0
END
ran plain PASS </dev/null
echo "Running suite(s): cut" | ran cut PASS
ran skipped SKIP </dev/null
ran crash FAIL </dev/null
ran never none </dev/null

cd "$dir" || exit 2
case $srcdir in /*) ;; *) srcdir=../$srcdir ;; esac
said=$(PREFIX=all sh "$srcdir/t/summary" check.log bad.log leak.log plain.log cut.log \
    skipped.log crash.log never.log)
status=$?
cd ..
test $status = 1 && test "$said" = "skip: check/here: a part of it
failed: bad
failed: leak
failed: cut
skip: skipped
failed: crash
failed: never
all: 18 passed, 5 failed, 2 skipped" ||
    { echo "it said, with status $status:"; echo "$said"; exit 1; }
