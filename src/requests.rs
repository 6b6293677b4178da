//! How this program asks over HTTP, whomever it asks.

use ureq::Agent;
use ureq::config::ConfigBuilder;
use ureq::typestate::AgentScope;

/// No proxy from the environment, no redirects, no connection kept: one that the server has ended meanwhile would leave a write
/// in doubt. Every status is an answer. Room for a head of so many bytes, which is also what is read at a time, and for a
/// request; ureq zeroes both for every connection, and its own 128 kB cost more than all the rest of a probe.
#[must_use]
pub fn config(head: usize, request: usize) -> ConfigBuilder<AgentScope> {
    Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .http_status_as_error(false)
        .max_idle_connections(0)
        .max_response_header_size(head)
        .input_buffer_size(head)
        .output_buffer_size(request)
        .user_agent(concat!("hhvm-drain/", env!("CARGO_PKG_VERSION")))
}
