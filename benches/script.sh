#!/bin/bash
# What operators of 2015 put into ExecStop=, as told in public: park the file that the load balancer requests, ask
# HHVM once a second until it has nothing to do, for 30 seconds at most, then let the stop carry on. Putting the file
# back is ExecStopPost='s job, and not measured.
#
# usage: script.sh HEALTH_FILE URL
health_file=$1
url=$2

echo "moving $health_file to $health_file.disabled, so that the load balancer takes this node out"
mv "$health_file" "$health_file.disabled"

for ((second = 0; second < 30; second++)); do
    load=$(curl --silent "$url")
    if [ "$load" = 0 ]; then
        echo "load was 0 after $second s, HHVM may stop now"
        exit 0
    fi
    echo "waiting because the load is still $load"
    sleep 1
done
echo "load is still $load after 30 s, carrying on with the stop"
