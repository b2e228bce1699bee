//! What the broker promises, against ruststream's suites and against the engine.

mod conformance;
mod delivery;
mod publishing;
mod stopping;
mod support;
