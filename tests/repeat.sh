# How a run is repeated with the standard input that it had. Sourced (bash) by tests/mpirun_test and tests/app_checks.sh:
#     keep_input FILE;  with_input FILE COMMAND...;  with_input FILE COMMAND...

# keep_input FILE: what comes on standard input goes to FILE; it is then given as it came: through a pipe, as a file, or as nothing.
keep_input()
{
    input_kind=none
    [ ! /dev/stdin -ef /dev/null ] || return
    input_kind=pipe
    [ ! -f /dev/stdin ] || input_kind=file
    cat > "$1"
}

with_input()
{
    local kept=$1
    shift
    case $input_kind in
    pipe) "$@" < <(cat "$kept") ;;
    file) "$@" < "$kept" ;;
    none) "$@" < /dev/null ;;
    esac
}
