# How the outcome of one run of a test is counted. Sourced (bash) by tests/one_test and tests/mpirun_test.
passed=0 failed=0 skipped=0
verdict=77      # 0 passed, 1 failed, 77 skipped: the worst of all runs

# count OUTPUT STATUS: adds one run. Libcheck says "80%: Checks: 5, Failures: 1, Errors: 0". A program that fails although
# none of its cases did (it crashed after them, or a sanitizer ended it) has one failure more.
count()
{
    local checks=1 wrong=0
    read -r checks wrong < <(sed -n 's/^[0-9]*%: Checks: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\).*/\1 \2 \3/p' "$1" |
        awk '{ if ($1 > checks) checks = $1; if ($2 + $3 > wrong) wrong = $2 + $3 }
             END { print NR ? checks : 1, wrong + 0 }')
    if [ "$2" = 77 ]; then
        skipped=$((skipped + 1))
        return
    fi
    if [ "$2" != 0 ] && [ "$wrong" = 0 ]; then
        wrong=1
        [ "$checks" = 1 ] || checks=$((checks + 1))
    fi
    failed=$((failed + wrong))
    passed=$((passed + checks - wrong))
    if [ "$wrong" != 0 ]; then
        verdict=1
    elif [ "$verdict" = 77 ]; then
        verdict=0
    fi
}
