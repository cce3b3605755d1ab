#!/usr/bin/env bash
# Starts a Kubernetes job that runs a script on the shared volume, and prints the job's name.
# Usage: bash submit.sh THREADS MEMORY_MB GPUS MINUTES SCRIPT
# Set the image, the claim of the volume, and what your cluster wants (node selectors, tolerations) below.
set -euo pipefail
threads=$1 memory=$2 gpus=$3 minutes=$4 script=$5

kubectl create --filename - --output name << END
apiVersion: batch/v1
kind: Job
metadata:
  generateName: clcap-
  labels: {app: clcap}
spec:
  backoffLimit: 0 # Snakemake repeats jobs
  activeDeadlineSeconds: $((minutes * 60))
  ttlSecondsAfterFinished: 86400
  template:
    metadata:
      labels: {app: clcap}
    spec:
      restartPolicy: Never
      securityContext: {runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000}
      containers:
        - name: clcap
          image: ${CLCAP_IMAGE:-YOUR_REGISTRY/clcap}
          command: [sh, "$script"]
          workingDir: /data
          resources:
            requests: {cpu: $threads, memory: ${memory}M}
            limits: {memory: ${memory}M, nvidia.com/gpu: $gpus}
          volumeMounts:
            - {name: data, mountPath: /data}
      volumes:
        - name: data
          persistentVolumeClaim: {claimName: clcap}
END
