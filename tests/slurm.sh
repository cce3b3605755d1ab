#!/usr/bin/env bash
# Runs the workflow once, on tiny data, in a SLURM of one node on loopback, with pipelines/profiles/slurm as it is, and
# examples/slurm.sh with two processes.
# Usage: bash tests/slurm.sh [FOLDER]
#   FOLDER  where SLURM's files, the workflow's output and all logs are kept; default: a new folder in /tmp
# Needs Debian and root, but no systemd: installs slurm-wlm, slurmdbd, munge and MariaDB where they are missing, starts
# their daemons with configurations in FOLDER, so /etc/slurm stays as it is, and stops them at the end.
set -euo pipefail
checkout=$(cd "$(dirname "$0")/.." && pwd)
. "$checkout/examples/arguments.sh"
check_arguments 0 1 "usage: bash tests/slurm.sh [FOLDER]" "$@"
. "$checkout/examples/common.sh"
[ "$(id -u)" = 0 ] || { echo "error: SLURM's daemons start jobs as root; run this script as root" >&2; exit 1; }

packages=(slurm-wlm slurmdbd munge mariadb-server)
dpkg --status "${packages[@]}" > /dev/null 2>&1 || apt-get install -qq -y --no-install-recommends "${packages[@]}" > /dev/null

folder=${1:-$(mktemp -d)}
mkdir -p "$folder/state" "$folder/spool"
folder=$(cd "$folder" && pwd)
host=$(hostname -s) password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')

# The node claims enough memory, cores and GPUs for the profile; jobs run one after another.
cat > "$folder/slurm.conf" << END
ClusterName=loopback
SlurmctldHost=$host(127.0.0.1)
SlurmctldParameters=enable_configless
SlurmUser=root
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
GresTypes=gpu
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoreFlags=job_comment
AccountingStorageTRES=gres/gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=64 RealMemory=500000 Gres=gpu:2
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE
END
printf "NodeName=$host Name=gpu File=%s\n" /dev/null /dev/zero > "$folder/gres.conf"
cat > "$folder/slurmdbd.conf" << END
AuthType=auth/munge
DbdHost=localhost
SlurmUser=root
PidFile=$folder/slurmdbd.pid
LogFile=$folder/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=13306
StorageUser=slurm
StoragePass=$password
END
chmod 600 "$folder/slurmdbd.conf"
export SLURM_CONF=$folder/slurm.conf

pids=()
trap '((${#pids[@]} == 0)) || kill "${pids[@]}" 2> /dev/null; wait; rm -f /run/slurm/conf' EXIT
start() { "$@" >> "$folder/daemons.log" 2>&1 & pids=("$!" ${pids[@]+"${pids[@]}"}); }
# wait_for COMMAND...: repeats it until it succeeds, for a minute at most.
wait_for() {
  local try
  for try in {1..60}; do "$@" > /dev/null 2>&1 && return; sleep 1; done
  echo "error: '$*' still fails after a minute; see the logs in $folder" >&2
  exit 1
}

install -d -o munge /run/munge
start runuser -u munge -- munged --foreground
[ -d "$folder/database" ] || mariadb-install-db --no-defaults --user=root --datadir="$folder/database" >> "$folder/daemons.log"
start mariadbd --no-defaults --user=root --datadir="$folder/database" --socket="$folder/mariadb.socket" \
  --bind-address=127.0.0.1 --port=13306
sql=(mariadb --no-defaults --socket="$folder/mariadb.socket")
wait_for "${sql[@]}" --execute "select 1"
"${sql[@]}" --execute "create or replace user slurm@localhost identified by '$password'; grant all on *.* to slurm@localhost"
start slurmdbd -D
wait_for sacctmgr --noheader list cluster
sacctmgr --immediate add cluster loopback > /dev/null 2>&1 || true # is there from an earlier run
start slurmctld -D
start slurmd -D -N "$host" --conf-server=127.0.0.1 # so jobs find SLURM without SLURM_CONF, which Snakemake hides from them
wait_for scontrol ping
wait_for srun --immediate=5 true
sinfo --long --Node

cd "$folder"
failed=
snakemake -s "$checkout/pipelines/Snakefile" --configfile "$checkout/tests/pipelines/tiny.yaml" --config folder=made \
  --profile "$checkout/pipelines/profiles/slurm" --jobs 1 --latency-wait 10 --slurm-no-account \
  --slurm-keep-successful-logs --slurm-init-seconds-before-status-checks 2 2>&1 | tee snakemake.log || failed=yes

# A training in two processes, on the processor.
sbatch --wait --gpus-per-node=2 --cpus-per-task=1 --mem=4G --time=30 --output=two_processes.log \
  "$checkout/examples/slurm.sh" train-cl --ref made/nt_1.pt --epochs 1 --out two_processes.pt || failed=yes
cat two_processes.log

sacct --allocations --format=JobID,Comment%50,State,ExitCode,Elapsed,ReqMem,ReqTRES%50 | tee sacct.log
sacct --format=JobID,JobName%12,State,Elapsed,MaxRSS | tee sacct_steps.log
echo "SLURM's own logs are in $folder/made/.snakemake/slurm_logs:"
find made/.snakemake/slurm_logs -name '*.log' | sort
[ -z "$failed" ]
