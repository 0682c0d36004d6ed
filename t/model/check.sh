# Spin searches all states of each protocol between threads and a loop. The models also have
# variants that are wrong on purpose. Spin must find an error in each of these variants.
command -v spin >/dev/null || { echo "skip: model/check: spin is not installed"; exit 77; }
case $srcdir in /*) models=$srcdir/t/model ;; *) models=$PWD/$srcdir/t/model ;; esac
dir=$(mktemp -d "$PWD/model.XXXXXX") || exit 2
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 2
failed=0

search() {   # model, optimization, bits of the hash table, variant. Writes the output to ./said
    rm -f pan*
    { spin -a ${4:+"-D$4"} "$models/$1.pml" &&
        ${CC-cc} -w "$2" -DSAFETY -DNOREDUCE -DMEMLIM=1500 -o pan pan.c &&
        timeout 300 ./pan -m100000 "-w$3"; } >said 2>&1
}

found() { sed -n 's/.*errors: \([0-9]*\)$/\1/p' said; }

cut_short() { grep -E 'Search not completed|max search depth too small|MEMLIM|out of memory' said; }

good() {   # model
    search "$1" -O2 24
    states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' said)
    if test "$(found)" = 0 && ! cut_short >/dev/null; then
        echo "$1: $states states, 0 errors"
    else
        echo "$1: FAILED"
        grep -E '^pan:|rror' said || cat said
        failed=1
    fi
}

bad() {   # model, variant
    search "$1" -O0 16 "$2"
    name="$1, $(echo "$2" | tr _A-Z ' a-z')"
    case $(found) in
    [1-9]*) echo "$name: rejected" ;;
    *) echo "$name: FAILED, it passes"; grep -E '^pan:|rror' said || cat said; failed=1 ;;
    esac
}

for model in inbox closing latest order; do
    good $model
    variants=$(sed -n '/^   Wrong variants, /,/\*\//s/^ *\([A-Z][A-Z_]*\)  .*/\1/p' \
        "$models/$model.pml")
    test -n "$variants" || { echo "$model: FAILED, it lists no wrong variants"; failed=1; }
    for variant in $variants; do
        bad $model "$variant"
    done
done
exit $failed
