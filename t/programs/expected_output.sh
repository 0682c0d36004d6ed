# Tests programs that need only the library. Each program must print the expected output, and end
# with status 0.
failed=0

prints() {   # program. Standard input: its expected output
    wanted=$(cat)
    said=$(timeout 60 "t/programs/$1") || { echo "$1 ended with status $?"; failed=1; }
    test "$said" = "$wanted" || { echo "$1 said: $said"; failed=1; }
}

prints anyof <<END
config.changed: nobody declared it
timer.expired
timer.ticked
timer.ticked
timer.ticked
END
prints clock </dev/null
prints lookup <<END
tocsin: an alarm bell, and the ringing of it
END
prints progress <<END
100 %
1000001 of 1000001
END
prints rooms <<END
[hall] 7: good evening
{"signal":"chat.said","room":"hall","text":"good evening","user":7,"urgent":false}
{"signal":"chat.said","room":"garden","text":"rain!","user":8,"urgent":true}
END
prints swap <<END
config.changed: 1 workers
emitted meanwhile: pended
config.changed: 8 workers
END
exit $failed
