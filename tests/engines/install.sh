#!/bin/sh
# The system packages that the tests of real engines need, on Debian or Ubuntu, as root.
set -eu
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge openssh-server iproute2 util-linux chromium chromium-driver openjdk-17-jdk-headless openjdk-17-source
