//! Measures this project beside its peers: servers and clients as processes of their own, and one
//! load generator for all of them. `docs/performance.md` says how, and what came out.

pub mod cli;
pub mod harness;
pub mod instructions;
pub mod latency;
pub mod load;
pub mod lockstep;
pub mod measured;
pub mod peer;
pub mod process;
mod socket;
pub mod tls;
