"""Tests of what clcap promises when processes are killed, disks are full, and files are hostile."""
