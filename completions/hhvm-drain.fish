# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_hhvm_drain_global_optspecs
    string join \n unit= root= health-file= health-url= endpoint= kind= password-file= min-drain= timeout= poll-interval= zero-samples= threshold= repool= start-timeout= balancer-name= metrics-file= h/help V/version
end

function __fish_hhvm_drain_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_hhvm_drain_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_hhvm_drain_using_subcommand
    set -l cmd (__fish_hhvm_drain_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -l unit -d 'The unit to drain' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -l root -d 'Look for settings, state and health files below this directory' -r -F
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -l health-file -d 'The file that the load balancer requests; repeatable [default: /var/www/status.php]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -l health-url -d 'URL at which this host\'s front end serves the health file' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -l endpoint -d 'Where to read the load; repeatable [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -l kind -d 'What answers at the endpoint: hhvm or php-fpm [default: hhvm]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -l password-file -d 'File with HHVM\'s admin password' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -l min-drain -d 'Ignore zero load for this long after taking the node out [default: 10s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -l timeout -d 'Stop waiting after this time; the stop goes on [default: 30s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -l poll-interval -d 'Time between readings of the load [default: 100ms]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -l zero-samples -d 'Consecutive zero readings that end the wait [default: 3]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -l threshold -d 'A load at or below this counts as zero [default: 0]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -l repool -d 'When the node goes back: when-healthy, after-stop or never [default: when-healthy]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -l start-timeout -d 'Longest time that a start waits until HHVM serves [default: 60s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -l balancer-name -d 'This node at the balancers: auto, NAME, ADDR:PORT or BACKEND/SERVER [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -l metrics-file -d 'File of metrics for node_exporter\'s textfile collector' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -s V -l version -d 'Print version'
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -f -a "stop" -d 'Take the node out and wait until HHVM may stop (for ExecStop=)'
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -f -a "restore" -d 'Undo what `stop` did, if repool allows it (for ExecStopPost= and ExecStart*=)'
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -f -a "agent" -d 'Answer HAProxy\'s agent-check (for hhvm-drain-agent.socket)'
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -f -a "depool" -d 'Take the node out until `pool`, across restarts and reboots'
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -f -a "restart" -d 'Restart HHVM when it is this node\'s turn in its fleet, or fail'
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -f -a "pool" -d 'Put the node back, whoever took it out'
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -f -a "status" -d 'Show whether the node is in its pool, and if not, why'
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -f -a "history" -d 'Show past drains: how they ended, and where the time went'
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -f -a "check" -d 'Check that the next stop will drain'
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -f -a "fleet" -d 'Show which nodes of a fleet are out, and which wait'
complete -c hhvm-drain -n "__fish_hhvm_drain_needs_command" -f -a "drop-in" -d 'Print the drop-in for the unit that --unit names'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand stop" -l unit -d 'The unit to drain' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand stop" -l root -d 'Look for settings, state and health files below this directory' -r -F
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand stop" -l health-file -d 'The file that the load balancer requests; repeatable [default: /var/www/status.php]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand stop" -l health-url -d 'URL at which this host\'s front end serves the health file' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand stop" -l endpoint -d 'Where to read the load; repeatable [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand stop" -l kind -d 'What answers at the endpoint: hhvm or php-fpm [default: hhvm]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand stop" -l password-file -d 'File with HHVM\'s admin password' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand stop" -l min-drain -d 'Ignore zero load for this long after taking the node out [default: 10s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand stop" -l timeout -d 'Stop waiting after this time; the stop goes on [default: 30s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand stop" -l poll-interval -d 'Time between readings of the load [default: 100ms]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand stop" -l zero-samples -d 'Consecutive zero readings that end the wait [default: 3]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand stop" -l threshold -d 'A load at or below this counts as zero [default: 0]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand stop" -l repool -d 'When the node goes back: when-healthy, after-stop or never [default: when-healthy]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand stop" -l start-timeout -d 'Longest time that a start waits until HHVM serves [default: 60s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand stop" -l balancer-name -d 'This node at the balancers: auto, NAME, ADDR:PORT or BACKEND/SERVER [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand stop" -l metrics-file -d 'File of metrics for node_exporter\'s textfile collector' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand stop" -l shutdown -d 'Do nothing unless the host is shutting down'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand stop" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restore" -l unit -d 'The unit to drain' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restore" -l root -d 'Look for settings, state and health files below this directory' -r -F
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restore" -l health-file -d 'The file that the load balancer requests; repeatable [default: /var/www/status.php]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restore" -l health-url -d 'URL at which this host\'s front end serves the health file' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restore" -l endpoint -d 'Where to read the load; repeatable [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restore" -l kind -d 'What answers at the endpoint: hhvm or php-fpm [default: hhvm]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restore" -l password-file -d 'File with HHVM\'s admin password' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restore" -l min-drain -d 'Ignore zero load for this long after taking the node out [default: 10s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restore" -l timeout -d 'Stop waiting after this time; the stop goes on [default: 30s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restore" -l poll-interval -d 'Time between readings of the load [default: 100ms]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restore" -l zero-samples -d 'Consecutive zero readings that end the wait [default: 3]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restore" -l threshold -d 'A load at or below this counts as zero [default: 0]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restore" -l repool -d 'When the node goes back: when-healthy, after-stop or never [default: when-healthy]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restore" -l start-timeout -d 'Longest time that a start waits until HHVM serves [default: 60s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restore" -l balancer-name -d 'This node at the balancers: auto, NAME, ADDR:PORT or BACKEND/SERVER [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restore" -l metrics-file -d 'File of metrics for node_exporter\'s textfile collector' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restore" -l wait -d 'Wait until HHVM serves, for at most start-timeout'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restore" -l after-start -d 'Wait as long as HHVM runs (for hhvm-drain-repool@.service)'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand agent" -l unit -d 'The unit to drain' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand agent" -l root -d 'Look for settings, state and health files below this directory' -r -F
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand agent" -l health-file -d 'The file that the load balancer requests; repeatable [default: /var/www/status.php]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand agent" -l health-url -d 'URL at which this host\'s front end serves the health file' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand agent" -l endpoint -d 'Where to read the load; repeatable [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand agent" -l kind -d 'What answers at the endpoint: hhvm or php-fpm [default: hhvm]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand agent" -l password-file -d 'File with HHVM\'s admin password' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand agent" -l min-drain -d 'Ignore zero load for this long after taking the node out [default: 10s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand agent" -l timeout -d 'Stop waiting after this time; the stop goes on [default: 30s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand agent" -l poll-interval -d 'Time between readings of the load [default: 100ms]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand agent" -l zero-samples -d 'Consecutive zero readings that end the wait [default: 3]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand agent" -l threshold -d 'A load at or below this counts as zero [default: 0]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand agent" -l repool -d 'When the node goes back: when-healthy, after-stop or never [default: when-healthy]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand agent" -l start-timeout -d 'Longest time that a start waits until HHVM serves [default: 60s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand agent" -l balancer-name -d 'This node at the balancers: auto, NAME, ADDR:PORT or BACKEND/SERVER [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand agent" -l metrics-file -d 'File of metrics for node_exporter\'s textfile collector' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand agent" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand depool" -l reason -d 'The reason that `status` shows' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand depool" -l unit -d 'The unit to drain' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand depool" -l root -d 'Look for settings, state and health files below this directory' -r -F
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand depool" -l health-file -d 'The file that the load balancer requests; repeatable [default: /var/www/status.php]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand depool" -l health-url -d 'URL at which this host\'s front end serves the health file' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand depool" -l endpoint -d 'Where to read the load; repeatable [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand depool" -l kind -d 'What answers at the endpoint: hhvm or php-fpm [default: hhvm]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand depool" -l password-file -d 'File with HHVM\'s admin password' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand depool" -l min-drain -d 'Ignore zero load for this long after taking the node out [default: 10s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand depool" -l timeout -d 'Stop waiting after this time; the stop goes on [default: 30s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand depool" -l poll-interval -d 'Time between readings of the load [default: 100ms]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand depool" -l zero-samples -d 'Consecutive zero readings that end the wait [default: 3]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand depool" -l threshold -d 'A load at or below this counts as zero [default: 0]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand depool" -l repool -d 'When the node goes back: when-healthy, after-stop or never [default: when-healthy]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand depool" -l start-timeout -d 'Longest time that a start waits until HHVM serves [default: 60s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand depool" -l balancer-name -d 'This node at the balancers: auto, NAME, ADDR:PORT or BACKEND/SERVER [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand depool" -l metrics-file -d 'File of metrics for node_exporter\'s textfile collector' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand depool" -l wait -d 'Wait until no request is in flight; fail if some are left'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand depool" -l force -d 'In a fleet: also if it is not this node\'s turn'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand depool" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restart" -l wait -d 'Wait for the turn this long, in place of the fleet\'s `wait`' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restart" -l unit -d 'The unit to drain' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restart" -l root -d 'Look for settings, state and health files below this directory' -r -F
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restart" -l health-file -d 'The file that the load balancer requests; repeatable [default: /var/www/status.php]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restart" -l health-url -d 'URL at which this host\'s front end serves the health file' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restart" -l endpoint -d 'Where to read the load; repeatable [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restart" -l kind -d 'What answers at the endpoint: hhvm or php-fpm [default: hhvm]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restart" -l password-file -d 'File with HHVM\'s admin password' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restart" -l min-drain -d 'Ignore zero load for this long after taking the node out [default: 10s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restart" -l timeout -d 'Stop waiting after this time; the stop goes on [default: 30s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restart" -l poll-interval -d 'Time between readings of the load [default: 100ms]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restart" -l zero-samples -d 'Consecutive zero readings that end the wait [default: 3]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restart" -l threshold -d 'A load at or below this counts as zero [default: 0]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restart" -l repool -d 'When the node goes back: when-healthy, after-stop or never [default: when-healthy]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restart" -l start-timeout -d 'Longest time that a start waits until HHVM serves [default: 60s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restart" -l balancer-name -d 'This node at the balancers: auto, NAME, ADDR:PORT or BACKEND/SERVER [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restart" -l metrics-file -d 'File of metrics for node_exporter\'s textfile collector' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restart" -l force -d 'Also if it is not this node\'s turn'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand restart" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand pool" -l unit -d 'The unit to drain' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand pool" -l root -d 'Look for settings, state and health files below this directory' -r -F
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand pool" -l health-file -d 'The file that the load balancer requests; repeatable [default: /var/www/status.php]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand pool" -l health-url -d 'URL at which this host\'s front end serves the health file' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand pool" -l endpoint -d 'Where to read the load; repeatable [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand pool" -l kind -d 'What answers at the endpoint: hhvm or php-fpm [default: hhvm]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand pool" -l password-file -d 'File with HHVM\'s admin password' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand pool" -l min-drain -d 'Ignore zero load for this long after taking the node out [default: 10s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand pool" -l timeout -d 'Stop waiting after this time; the stop goes on [default: 30s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand pool" -l poll-interval -d 'Time between readings of the load [default: 100ms]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand pool" -l zero-samples -d 'Consecutive zero readings that end the wait [default: 3]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand pool" -l threshold -d 'A load at or below this counts as zero [default: 0]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand pool" -l repool -d 'When the node goes back: when-healthy, after-stop or never [default: when-healthy]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand pool" -l start-timeout -d 'Longest time that a start waits until HHVM serves [default: 60s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand pool" -l balancer-name -d 'This node at the balancers: auto, NAME, ADDR:PORT or BACKEND/SERVER [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand pool" -l metrics-file -d 'File of metrics for node_exporter\'s textfile collector' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand pool" -l wait -d 'Wait until the load balancers send requests again, at most 30 s'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand pool" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand status" -l unit -d 'The unit to drain' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand status" -l root -d 'Look for settings, state and health files below this directory' -r -F
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand status" -l health-file -d 'The file that the load balancer requests; repeatable [default: /var/www/status.php]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand status" -l health-url -d 'URL at which this host\'s front end serves the health file' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand status" -l endpoint -d 'Where to read the load; repeatable [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand status" -l kind -d 'What answers at the endpoint: hhvm or php-fpm [default: hhvm]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand status" -l password-file -d 'File with HHVM\'s admin password' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand status" -l min-drain -d 'Ignore zero load for this long after taking the node out [default: 10s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand status" -l timeout -d 'Stop waiting after this time; the stop goes on [default: 30s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand status" -l poll-interval -d 'Time between readings of the load [default: 100ms]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand status" -l zero-samples -d 'Consecutive zero readings that end the wait [default: 3]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand status" -l threshold -d 'A load at or below this counts as zero [default: 0]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand status" -l repool -d 'When the node goes back: when-healthy, after-stop or never [default: when-healthy]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand status" -l start-timeout -d 'Longest time that a start waits until HHVM serves [default: 60s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand status" -l balancer-name -d 'This node at the balancers: auto, NAME, ADDR:PORT or BACKEND/SERVER [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand status" -l metrics-file -d 'File of metrics for node_exporter\'s textfile collector' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand status" -l json -d 'Print JSON'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand status" -l watch -d 'Show it anew once a second, from what is published'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand status" -l exit-code -d 'Exit with 0 in the pool, 3 out by an operator, 4 out by a drain, 5 unknown'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand history" -l since -d 'Only those since then: a date, a time (UTC), or how long ago' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand history" -l unit -d 'The unit to drain' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand history" -l root -d 'Look for settings, state and health files below this directory' -r -F
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand history" -l health-file -d 'The file that the load balancer requests; repeatable [default: /var/www/status.php]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand history" -l health-url -d 'URL at which this host\'s front end serves the health file' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand history" -l endpoint -d 'Where to read the load; repeatable [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand history" -l kind -d 'What answers at the endpoint: hhvm or php-fpm [default: hhvm]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand history" -l password-file -d 'File with HHVM\'s admin password' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand history" -l min-drain -d 'Ignore zero load for this long after taking the node out [default: 10s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand history" -l timeout -d 'Stop waiting after this time; the stop goes on [default: 30s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand history" -l poll-interval -d 'Time between readings of the load [default: 100ms]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand history" -l zero-samples -d 'Consecutive zero readings that end the wait [default: 3]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand history" -l threshold -d 'A load at or below this counts as zero [default: 0]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand history" -l repool -d 'When the node goes back: when-healthy, after-stop or never [default: when-healthy]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand history" -l start-timeout -d 'Longest time that a start waits until HHVM serves [default: 60s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand history" -l balancer-name -d 'This node at the balancers: auto, NAME, ADDR:PORT or BACKEND/SERVER [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand history" -l metrics-file -d 'File of metrics for node_exporter\'s textfile collector' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand history" -l failed -d 'Only those that ended with requests in flight, or without knowing'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand history" -l json -d 'Print a JSON object for each'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand history" -s v -l verbose -d 'Show the last one in full'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand history" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand check" -l url -d 'Also request this, as the load balancer does' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand check" -l observe -d 'Also watch for this long who opens the health file' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand check" -l unit -d 'The unit to drain' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand check" -l root -d 'Look for settings, state and health files below this directory' -r -F
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand check" -l health-file -d 'The file that the load balancer requests; repeatable [default: /var/www/status.php]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand check" -l health-url -d 'URL at which this host\'s front end serves the health file' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand check" -l endpoint -d 'Where to read the load; repeatable [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand check" -l kind -d 'What answers at the endpoint: hhvm or php-fpm [default: hhvm]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand check" -l password-file -d 'File with HHVM\'s admin password' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand check" -l min-drain -d 'Ignore zero load for this long after taking the node out [default: 10s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand check" -l timeout -d 'Stop waiting after this time; the stop goes on [default: 30s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand check" -l poll-interval -d 'Time between readings of the load [default: 100ms]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand check" -l zero-samples -d 'Consecutive zero readings that end the wait [default: 3]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand check" -l threshold -d 'A load at or below this counts as zero [default: 0]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand check" -l repool -d 'When the node goes back: when-healthy, after-stop or never [default: when-healthy]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand check" -l start-timeout -d 'Longest time that a start waits until HHVM serves [default: 60s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand check" -l balancer-name -d 'This node at the balancers: auto, NAME, ADDR:PORT or BACKEND/SERVER [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand check" -l metrics-file -d 'File of metrics for node_exporter\'s textfile collector' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand check" -l quiet -d 'Print only what is wrong'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand check" -l trial -d 'With --url: also take the node out briefly and ask again'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and not __fish_seen_subcommand_from limit free go" -l unit -d 'The unit to drain' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and not __fish_seen_subcommand_from limit free go" -l root -d 'Look for settings, state and health files below this directory' -r -F
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and not __fish_seen_subcommand_from limit free go" -l health-file -d 'The file that the load balancer requests; repeatable [default: /var/www/status.php]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and not __fish_seen_subcommand_from limit free go" -l health-url -d 'URL at which this host\'s front end serves the health file' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and not __fish_seen_subcommand_from limit free go" -l endpoint -d 'Where to read the load; repeatable [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and not __fish_seen_subcommand_from limit free go" -l kind -d 'What answers at the endpoint: hhvm or php-fpm [default: hhvm]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and not __fish_seen_subcommand_from limit free go" -l password-file -d 'File with HHVM\'s admin password' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and not __fish_seen_subcommand_from limit free go" -l min-drain -d 'Ignore zero load for this long after taking the node out [default: 10s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and not __fish_seen_subcommand_from limit free go" -l timeout -d 'Stop waiting after this time; the stop goes on [default: 30s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and not __fish_seen_subcommand_from limit free go" -l poll-interval -d 'Time between readings of the load [default: 100ms]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and not __fish_seen_subcommand_from limit free go" -l zero-samples -d 'Consecutive zero readings that end the wait [default: 3]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and not __fish_seen_subcommand_from limit free go" -l threshold -d 'A load at or below this counts as zero [default: 0]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and not __fish_seen_subcommand_from limit free go" -l repool -d 'When the node goes back: when-healthy, after-stop or never [default: when-healthy]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and not __fish_seen_subcommand_from limit free go" -l start-timeout -d 'Longest time that a start waits until HHVM serves [default: 60s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and not __fish_seen_subcommand_from limit free go" -l balancer-name -d 'This node at the balancers: auto, NAME, ADDR:PORT or BACKEND/SERVER [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and not __fish_seen_subcommand_from limit free go" -l metrics-file -d 'File of metrics for node_exporter\'s textfile collector' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and not __fish_seen_subcommand_from limit free go" -l json -d 'Print JSON'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and not __fish_seen_subcommand_from limit free go" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and not __fish_seen_subcommand_from limit free go" -f -a "limit" -d 'Let this many nodes be out at once'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and not __fish_seen_subcommand_from limit free go" -f -a "free" -d 'Free the slot of a node that will not give it back'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and not __fish_seen_subcommand_from limit free go" -f -a "go" -d 'End the waiting of this node\'s stop'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from limit" -l unit -d 'The unit to drain' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from limit" -l root -d 'Look for settings, state and health files below this directory' -r -F
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from limit" -l health-file -d 'The file that the load balancer requests; repeatable [default: /var/www/status.php]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from limit" -l health-url -d 'URL at which this host\'s front end serves the health file' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from limit" -l endpoint -d 'Where to read the load; repeatable [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from limit" -l kind -d 'What answers at the endpoint: hhvm or php-fpm [default: hhvm]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from limit" -l password-file -d 'File with HHVM\'s admin password' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from limit" -l min-drain -d 'Ignore zero load for this long after taking the node out [default: 10s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from limit" -l timeout -d 'Stop waiting after this time; the stop goes on [default: 30s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from limit" -l poll-interval -d 'Time between readings of the load [default: 100ms]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from limit" -l zero-samples -d 'Consecutive zero readings that end the wait [default: 3]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from limit" -l threshold -d 'A load at or below this counts as zero [default: 0]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from limit" -l repool -d 'When the node goes back: when-healthy, after-stop or never [default: when-healthy]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from limit" -l start-timeout -d 'Longest time that a start waits until HHVM serves [default: 60s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from limit" -l balancer-name -d 'This node at the balancers: auto, NAME, ADDR:PORT or BACKEND/SERVER [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from limit" -l metrics-file -d 'File of metrics for node_exporter\'s textfile collector' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from limit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from free" -l unit -d 'The unit to drain' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from free" -l root -d 'Look for settings, state and health files below this directory' -r -F
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from free" -l health-file -d 'The file that the load balancer requests; repeatable [default: /var/www/status.php]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from free" -l health-url -d 'URL at which this host\'s front end serves the health file' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from free" -l endpoint -d 'Where to read the load; repeatable [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from free" -l kind -d 'What answers at the endpoint: hhvm or php-fpm [default: hhvm]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from free" -l password-file -d 'File with HHVM\'s admin password' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from free" -l min-drain -d 'Ignore zero load for this long after taking the node out [default: 10s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from free" -l timeout -d 'Stop waiting after this time; the stop goes on [default: 30s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from free" -l poll-interval -d 'Time between readings of the load [default: 100ms]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from free" -l zero-samples -d 'Consecutive zero readings that end the wait [default: 3]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from free" -l threshold -d 'A load at or below this counts as zero [default: 0]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from free" -l repool -d 'When the node goes back: when-healthy, after-stop or never [default: when-healthy]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from free" -l start-timeout -d 'Longest time that a start waits until HHVM serves [default: 60s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from free" -l balancer-name -d 'This node at the balancers: auto, NAME, ADDR:PORT or BACKEND/SERVER [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from free" -l metrics-file -d 'File of metrics for node_exporter\'s textfile collector' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from free" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from go" -l unit -d 'The unit to drain' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from go" -l root -d 'Look for settings, state and health files below this directory' -r -F
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from go" -l health-file -d 'The file that the load balancer requests; repeatable [default: /var/www/status.php]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from go" -l health-url -d 'URL at which this host\'s front end serves the health file' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from go" -l endpoint -d 'Where to read the load; repeatable [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from go" -l kind -d 'What answers at the endpoint: hhvm or php-fpm [default: hhvm]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from go" -l password-file -d 'File with HHVM\'s admin password' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from go" -l min-drain -d 'Ignore zero load for this long after taking the node out [default: 10s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from go" -l timeout -d 'Stop waiting after this time; the stop goes on [default: 30s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from go" -l poll-interval -d 'Time between readings of the load [default: 100ms]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from go" -l zero-samples -d 'Consecutive zero readings that end the wait [default: 3]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from go" -l threshold -d 'A load at or below this counts as zero [default: 0]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from go" -l repool -d 'When the node goes back: when-healthy, after-stop or never [default: when-healthy]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from go" -l start-timeout -d 'Longest time that a start waits until HHVM serves [default: 60s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from go" -l balancer-name -d 'This node at the balancers: auto, NAME, ADDR:PORT or BACKEND/SERVER [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from go" -l metrics-file -d 'File of metrics for node_exporter\'s textfile collector' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand fleet; and __fish_seen_subcommand_from go" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand drop-in" -l unit -d 'The unit to drain' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand drop-in" -l root -d 'Look for settings, state and health files below this directory' -r -F
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand drop-in" -l health-file -d 'The file that the load balancer requests; repeatable [default: /var/www/status.php]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand drop-in" -l health-url -d 'URL at which this host\'s front end serves the health file' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand drop-in" -l endpoint -d 'Where to read the load; repeatable [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand drop-in" -l kind -d 'What answers at the endpoint: hhvm or php-fpm [default: hhvm]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand drop-in" -l password-file -d 'File with HHVM\'s admin password' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand drop-in" -l min-drain -d 'Ignore zero load for this long after taking the node out [default: 10s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand drop-in" -l timeout -d 'Stop waiting after this time; the stop goes on [default: 30s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand drop-in" -l poll-interval -d 'Time between readings of the load [default: 100ms]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand drop-in" -l zero-samples -d 'Consecutive zero readings that end the wait [default: 3]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand drop-in" -l threshold -d 'A load at or below this counts as zero [default: 0]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand drop-in" -l repool -d 'When the node goes back: when-healthy, after-stop or never [default: when-healthy]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand drop-in" -l start-timeout -d 'Longest time that a start waits until HHVM serves [default: 60s]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand drop-in" -l balancer-name -d 'This node at the balancers: auto, NAME, ADDR:PORT or BACKEND/SERVER [default: auto]' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand drop-in" -l metrics-file -d 'File of metrics for node_exporter\'s textfile collector' -r
complete -c hhvm-drain -n "__fish_hhvm_drain_using_subcommand drop-in" -s h -l help -d 'Print help (see more with \'--help\')'
