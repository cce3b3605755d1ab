#!/usr/bin/env bash
# One training on several GPUs of a SLURM cluster: a torchrun on each node starts a process for each of its GPUs.
# Usage: sbatch [SBATCH OPTIONS] examples/slurm.sh STAGE ARGUMENTS...
#   sbatch examples/slurm.sh train-cl --ref nt.pt --resume                  one node with 8 GPUs
#   sbatch --nodes 4 examples/slurm.sh train-cl --ref nt.pt --resume        four of them
# Run it in the folder of the files, which all nodes share. clcap has to be on the PATH. Five minutes before the time
# limit, the training saves its state and ends; the same command continues it.
#SBATCH --job-name=clcap
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=32
#SBATCH --mem=200G
#SBATCH --time=1-00:00:00
#SBATCH --signal=TERM@300
#SBATCH --output=clcap-%j.log
set -euo pipefail
if [ $# = 0 ] || [ -z "${SLURM_JOB_ID:-}" ]; then
  printf 'error: %s\n%s\n' "start this script with sbatch and with arguments of clcap" \
    "usage: sbatch [SBATCH OPTIONS] examples/slurm.sh STAGE ARGUMENTS..." >&2
  exit 2
fi
first_node=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
srun torchrun --nnodes "$SLURM_JOB_NUM_NODES" --nproc-per-node "$SLURM_GPUS_ON_NODE" \
  --rdzv-id "$SLURM_JOB_ID" --rdzv-backend c10d --rdzv-endpoint "$first_node" -m clcap_cli "$@"
