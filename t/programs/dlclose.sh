# The libraries stay mapped after dlclose (option -z nodelete). The reason: a thread that ends later
# calls a destructor in the library (contract line T6).
failed=0
for library in tocsin tocsin-net; do
    test $library = tocsin-net -a "$with_net" != yes && continue
    said=$(timeout 60 t/programs/dlclose ".libs/lib$library.so" 2>&1) ||
        { echo "lib$library: ended with status $?: $said"; failed=1; }
    test "$said" = ended || { echo "lib$library: $said"; failed=1; }
done
exit $failed
