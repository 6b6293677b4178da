//! The admin server's usage text, cut to the commands that the stand-in has.

/// The answer to `/` and `/help`.
pub const HELP: &str = "\
/stop:            stop the web server
    instance-id   optional, if specified, instance ID has to match
/prepare-to-stop: prepare to stop the web server
/build-id:        returns build id that's passed in from command line
/instance-id:     instance id that's passed in from command line
/compiler-id:     returns the compiler id that built this app
/check-load:      how many threads are actively handling requests
/check-queued:    how many http requests are queued waiting to be
                  handled
/check-health:    return json containing basic load/usage stats
/check-ev:        how many http requests are active by libevent
/check-pl-load:   how many pagelet threads are actively handling
                  requests
/check-pl-queued: how many pagelet requests are queued waiting to
                  be handled
/status.json:     show server status in JSON
";
