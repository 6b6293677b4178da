//! Real processes, sockets and name spaces.

mod cgroups;
mod sockets;
mod spaces;
mod unit;
