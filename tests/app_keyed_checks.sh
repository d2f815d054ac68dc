# What the tests of the programs by key share. Sourced (bash) behind app_checks.sh:
#     keyed_checks ARG...         what every such program does with its options; `PROGRAM ARG...` prints $expected
# The arguments are operands and options of its own, without -o; the input is one that can be read again.

# real_texts: their names into $texts: licences, and of Debian's bible-kjv-text and linux-doc what is installed; else these tests.
real_texts()
{
    local file
    texts=()
    for file in /usr/share/common-licenses/* /usr/lib/bible.data /usr/share/doc/linux-doc-*/html/process/*; do
        [ ! -f "$file" ] || texts+=("$file")
    done
    [ ${#texts[@]} != 0 ] || texts=("$here"/app_*)
}

# keyed SENTENCE RANKS ARG...: it ends well and says nothing; what it wrote is looked at by whoever calls it.
keyed()
{
    local sentence=$1
    shift
    run "$@" < /dev/null
    check "$sentence: it ends well" ends_with 0
    check "$sentence: it says nothing" [ ! -s "$err" ]
}

same_bytes()
{
    local n options
    for n in $ranks; do
        keyed "standard output" "$n" "$@"
        check "standard output holds what is expected" printed "$expected"
        for options in "" "--memory=8M --chunk-size=1M" "--memory=1 --chunk-size=777"; do
            keyed "an output file ($options)" "$n" $options -o "$keyed/out" "$@"
            check "an output file ($options) holds what is expected" cmp "$keyed/out" "$expected"
            check "nothing is printed besides ($options)" [ ! -s "$out" ]
        done
    done
    keyed "a compressed output" "$several" -o "$keyed/out.gz" "$@"
    check "a compressed output holds what is expected" cmp <(gzip -dc "$keyed/out.gz") "$expected"
}

# in_manifest N: the N-th number of its last line: 1 records, 2 bytes.
in_manifest()
{
    sed -n "s/^total	\([0-9]*\)	\([0-9]*\)\$/\\$1/p" "$keyed/parts/MANIFEST"
}

partitions()
{
    local n
    for n in 1 3 8; do
        rm -rf "$keyed/parts"
        keyed "$n partitions" "$several" --partitions="$n" -o "$keyed/parts" "$@"
        check "$n partitions are so many files" [ "$(ls "$keyed/parts" | grep -c '^part-[0-9]\{5\}$')" = "$n" ]
        check "$n partitions hold what is expected, behind each other" cmp <(cat "$keyed"/parts/part-*) "$expected"
        check "$n partitions have a manifest of all bytes" [ "$(in_manifest 2)" = "$(wc -c < "$expected")" ]
    done
    echo "mine" > "$keyed/parts/part-00000"
    run "$several" --partitions=2 -o "$keyed/parts" "$@" < /dev/null
    check "a directory that exists is one line and status 73" fails 73 "$keyed/parts"
    check "a directory that exists stays as it is" [ "$(cat "$keyed/parts/part-00000")" = mine ]
    run "$several" --partitions=2 --force -o "$keyed/parts" "$scratch/missing" "$@" < /dev/null
    check "without input a directory stays as it is" [ "$(cat "$keyed/parts/part-00000")" = mine ]
    keyed "a forced directory" "$several" --partitions=2 --force -o "$keyed/parts" "$@"
    check "a forced directory is exchanged" cmp <(cat "$keyed"/parts/part-*) "$expected"
    check "a forced directory has no more files than the new one" [ "$(ls "$keyed/parts" | tr '\n' ' ')" = "MANIFEST part-00000 part-00001 " ]
}

outputs()
{
    echo old > "$keyed/out"
    chmod 640 "$keyed/out"
    ln -s out "$keyed/link"
    keyed "an output through a link" "$several" -o "$keyed/link" "$@"
    check "an output through a link is what the link leads to" eval '[ -L "$keyed/link" ] && cmp "$keyed/out" "$expected"'
    check "an output keeps its rights" [ "$(stat -c %a "$keyed/out")" = 640 ]
    echo old > "$keyed/out"
    run "$several" -o "$keyed/out" "$scratch/missing" "$@" < /dev/null
    check "a missing file is status 66, or wrong use" [ "$status" = 66 -o "$status" = 64 ]
    check "it is told under the program's name, once" eval '[ "$(wc -l < "$err")" = 1 ] && [ "$(grep -o "${program##*/}: " "$err" | wc -l)" = 1 ]'
    check "without input an output stays as it is" [ "$(cat "$keyed/out")" = old ]
    run_alone -o "$keyed" "$@" < /dev/null
    check "a folder as output is one line and status 73" fails 73 "$keyed"
    run_alone -o "$keyed/none/out" "$@" < /dev/null
    check "an output in a missing folder is one line and status 73" fails 73 "$keyed/none/out"
    run_alone -o /dev/full "$@" < /dev/null
    check "an output on a full disk is one line and status 73" fails 73 /dev/full
    check "a device stays one" [ -c /dev/full ]
    output=/dev/full run_alone "$@" < /dev/null
    : > "$out"
    check "standard output on a full disk is one line and status 73" fails 73 "standard output"
    check "nothing is left behind" [ -z "$(ls -A "$keyed" | grep -vx -e out -e link -e out.gz -e parts)" ]
}

reports()
{
    run "$several" --report "$keyed/report" "$@" < /dev/null
    check "a report tells of each rank" grep -q '^ *1 .* [KMG]*i*B .* s$' "$keyed/report"
    check "a report tells of the job" grep -qi 'pairs' "$keyed/report"
    check "a report leaves the output alone" printed "$expected"
    check "a report in a file leaves standard error alone" [ ! -s "$err" ]
    run_alone --report "$keyed/none/report" "$@" < /dev/null
    check "a report in a missing folder is one line and status 73" fails 73 "$keyed/none/report"
    rm -f "$keyed/report"
    run "$several" --progress "$@" < /dev/null
    check "progress ends with all" eval 'tail -n 1 "$err" | grep -q "^${program##*/}: .* (100 %)"'
    check "progress leaves the output alone" printed "$expected"
}

wrong_options()
{
    local option
    for option in --memory=0 --memory=many --memory=1T --chunk-size=-1 --partitions=0 --partitions=65537 --partitions=2 --force --output= --nothing; do
        run_alone $option "$@" < /dev/null
        check "$option is one line and status 64" fails 64 ""
    done
    run_alone < /dev/null
    check "no operand is one line and status 64" fails 64 "--help"
    run_alone --help < /dev/null
    check "help is printed once" [ "$status$(grep -c "^Usage: ${program##*/}" "$out")" = 01 ]
    run_alone --version < /dev/null
    check "the version is printed" [ "$status$(cat "$out")" = "0${program##*/} (rankfold) $(cat "$here/../VERSION")" ]
}

keyed_checks()
{
    local part
    keyed=$scratch/keyed
    for part in ${KEYED_PARTS:-same_bytes partitions outputs reports wrong_options}; do
        rm -rf "$keyed"
        mkdir "$keyed"
        "$part" "$@"
    done
    rm -rf "$keyed"
}
