# What the scripts beside it share; read with 'source'.
export PATH="$PATH:/usr/sbin:/sbin"

is_testbed() { [ -e "$1/.dynsweep-testbed" ]; } # FOLDER

start_slurmd() { # FOLDER NODE
    # The variables are how 'members' knows the daemon.
    DYNSWEEP_TESTBED=$1 DYNSWEEP_TESTBED_NODE=$2 slurmd -f "$1/slurm.conf" -N "$2" 2>"$1/log/slurmd-$2.err"
}

# Process ids of the testbed in FOLDER, or of its NODE alone.
members() { # FOLDER [NODE]
    local folder=$1 node=${2:-} entry log
    {
        # Daemons have a variable of ours, and what runs in a job has the environment of its submitter, with SLURM_CONF,
        # and a SLURMD_NODENAME, which no process outside of jobs has. (Files of kernel threads cannot be read.)
        if [ -n "$node" ]; then
            grep -lzxF "DYNSWEEP_TESTBED_NODE=$node" /proc/[0-9]*/environ | xargs -r grep -lzxF "DYNSWEEP_TESTBED=$folder"
        else
            grep -lzxF "DYNSWEEP_TESTBED=$folder" /proc/[0-9]*/environ
        fi
        grep -lzxF "SLURM_CONF=$folder/slurm.conf" /proc/[0-9]*/environ | xargs -r grep -lz "^SLURMD_NODENAME=${node:-.*}\$"
        # A slurmstepd writes its title over its environment; it is known by the log of its slurmd.
        for entry in $(grep -lxF slurmstepd /proc/[0-9]*/comm); do
            for log in "${entry%/comm}"/fd/*; do
                [[ $(readlink "$log") != "$folder/log/slurmd-${node:+$node.}"* ]] || echo "$entry"
            done
        done
    } 2>/dev/null | cut -d/ -f3 | sort -u
}

# Ends them, again until nothing is left: what was killed may have been starting something.
kill_members() { # FOLDER [NODE]
    local pids="" try
    for ((try = 0; try < 50; try++)); do
        pids=$(members "$@")
        [ -n "$pids" ] || return 0
        # shellcheck disable=SC2086
        kill -KILL $pids 2>/dev/null || true
        sleep 0.1
    done
    echo "testbed: some processes do not end:" $pids >&2
    return 1
}
