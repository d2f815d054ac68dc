# What the tests of the programs share. Sourced (bash) by tests/app_*, which run a program of apps/ against an oracle:
#     . app_checks.sh PROGRAM;  run RANKS ARG...;  check "a sentence" COMMAND...;  done_checking
# The last line that done_checking prints is the one of libcheck, so that each check counts.
set -u
export LC_ALL=C
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
program=$PWD/apps/$1
finalize_crash=$PWD/tests/.libs/finalize_crash.so
[ -e "$finalize_crash" ] || finalize_crash=
ranks=${TEST_RANKS:-1 2 3 5}
several=${ranks##* }                       # where one number of ranks is enough: 3, if there is a choice
[[ " $ranks " != *" 3 "* ]] || several=3
checks=0 failures=0
scratch=$(mktemp -d) || exit 99
trap 'chmod -R u+rwx "$scratch"; rm -rf "$scratch"' EXIT
out=$scratch/out err=$scratch/err

# run RANKS ARG...: leaves $status, $out and $err, without the warning that this machine has few cores. The program's standard input
# is this function's.
run()
{
    local count=$1
    shift
    TEST_LAUNCHER_CRASHES=$scratch/crashes "$here/mpirun_test" -n "$count" "$program" "$@" > "$out" 2> "$err"
    status=$?
    [ ! -e "$scratch/crashes" ] || { cat "$scratch/crashes"; rm "$scratch/crashes"; }
    sed -i '/ workers on [0-9]* cores/d' "$err"
    did="$count ranks: ${program##*/} $*: status $status"
}

# As one process, without mpirun, which would stand between it and its standard input and output. A crash of MPI's own in MPI_Finalize
# (tests/finalize_crash.c) is no failure of the program: then it runs again.
run_alone()
{
    keep_input "$scratch/stdin"
    with_input "$scratch/stdin" once_alone "$@"
    [ -e "$scratch/finalize" ] || return
    echo "launcher crash: in MPI_Finalize; repeated: $did"
    with_input "$scratch/stdin" once_alone "$@"
}

once_alone()
{
    rm -f "$scratch/finalize"
    TEST_FINALIZE_CRASH=$scratch/finalize timeout -k 10 "${TEST_SECONDS:-120}" env LD_PRELOAD="$finalize_crash" "$program" "$@" \
        > "${output:-$out}" 2> "$err"
    status=$?
    did="alone: ${program##*/} $*: status $status"
}

check()
{
    local sentence=$1
    shift
    checks=$((checks + 1))
    "$@" && return
    failures=$((failures + 1))
    echo "FAILED: $sentence ($*) after: ${did:-nothing}"
    head -n 20 "$err"
}

ends_with()
{
    [ "$status" = "$1" ]
}

printed()
{
    cmp -- "$out" "$1"
}

# same_numbers FILE FILE TOLERANCE: field by field the same text, or numbers that differ by TOLERANCE at most, or that share of the first where
# it is above 1.
same_numbers()
{
    awk -v tolerance="$3" '
        function size(x) { return x < 0 ? -x : x }
        function differ(a, b) { return a "" != b "" && !(a + 0 == a && size(a - b) <= tolerance * (size(a) > 1 ? size(a) : 1)) }
        BEGIN { FS = "\t" }
        NR == FNR { line[NR] = $0; count = NR; next }
        { wrong += split(line[FNR], field) != NF; for (i = 1; i <= NF; i++) wrong += differ(field[i], $i) }
        END { exit wrong || FNR != count || NR != 2 * count }' "$1" "$2"
}

# fails STATUS TEXT: that status, nothing printed, and one line of error, which holds TEXT; below it may stand how to run an item alone.
fails()
{
    [ "$status" = "$1" ] && [ ! -s "$out" ] && [ "$(grep -vc ': to run this item alone: RANKFOLD_REPLAY=' "$err")" = 1 ] && grep -qF -e "$2" "$err"
}

done_checking()
{
    echo "$((checks ? 100 * (checks - failures) / checks : 0))%: Checks: $checks, Failures: $failures, Errors: 0"
    [ "$failures" = 0 ] && [ "$checks" != 0 ]
    exit
}

. "$here/repeat.sh"
. "$here/../cluster/launch.sh"          # the environment that MPI wants
export ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}      # as tests/mpirun_test says
# Only the seed makes it random: printed, and taken from $SEED.
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
