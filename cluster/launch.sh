# How mpirun is started on one machine. Sourced (bash) by cluster/local and tests/mpirun_test, which then run
#     "${launch[@]}" -n RANKS PROGRAM ARG...
# Everything is told to Open MPI through its environment, and only where the user has not said otherwise there: an option on
# mpirun's command line would win over the user's own OMPI_MCA_... variables.

# launch_default NAME VALUE: exports NAME=VALUE unless NAME is set.
launch_default()
{
    [ -n "${!1+set}" ] || export "$1=$2"
}

# Session folders hold sockets, whose paths may not exceed some 100 characters: a long or unusable TMPDIR is not for them.
launch_short_tmpdir()
{
    local folder=${TMPDIR:-/tmp}
    if [ "${#folder}" -gt 40 ] || [ ! -w "$folder" ]; then
        launch_default "$1" /tmp
    fi
}

launch_open_mpi_4()
{
    launch=("$mpirun" -q)
    launch_default OMPI_MCA_btl self,vader
    launch_default OMPI_MCA_rmaps_base_oversubscribe 1
    launch_default OMPI_MCA_hwloc_base_binding_policy none
    launch_short_tmpdir OMPI_MCA_orte_tmpdir_base
}

launch_open_mpi_5()
{
    launch_default OMPI_MCA_btl self,sm
    launch_default PRTE_MCA_rmaps_default_mapping_policy :oversubscribe
    launch_default PRTE_MCA_hwloc_default_binding_policy none
    launch_short_tmpdir PRTE_MCA_prte_tmpdir_base
    if [ "$(id -u)" = 0 ]; then
        launch_default PRTE_ALLOW_RUN_AS_ROOT 1
        launch_default PRTE_ALLOW_RUN_AS_ROOT_CONFIRM 1
    fi
}

# The ob1 messaging layer over shared memory alone halves the start: nothing looks for networks. More ranks than cores is
# the rule here (rank 0 schedules beside one worker a core), so ranks are not bound to cores.
launch_open_mpi()
{
    launch_default OMPI_MCA_pml ob1
    launch_default HWLOC_HIDE_ERRORS 2      # each rank would say that a chroot has no /sys
    if [ "$(id -u)" = 0 ]; then
        launch_default OMPI_ALLOW_RUN_AS_ROOT 1
        launch_default OMPI_ALLOW_RUN_AS_ROOT_CONFIRM 1
    fi
    case $1 in
    *' '[1-4].*) launch_open_mpi_4 ;;
    *) launch_open_mpi_5 ;;
    esac
}

mpirun=${MPIRUN:-mpirun}
launch=("$mpirun")
launch_version=$("$mpirun" --version 2>/dev/null | head -n 1)
case $launch_version in
*'Open MPI'* | *OpenRTE* | *PRRTE*) launch_open_mpi "$launch_version" ;;
esac
