//! The engine from the inside: sessions, grammar, model, records.

#[cfg(test)]
#[path = "sim/fuzz.rs"]
mod fuzz;
#[cfg(test)]
#[path = "sim/grammar.rs"]
mod grammar;
#[cfg(test)]
#[path = "sim/images.rs"]
mod images;
#[cfg(test)]
#[path = "sim/models.rs"]
mod models;
#[cfg(test)]
#[path = "sim/noise.rs"]
mod noise;
#[cfg(test)]
#[path = "sim/reach.rs"]
mod reach;
#[cfg(test)]
#[path = "sim/records.rs"]
mod records;
#[cfg(test)]
#[path = "sim/sessions.rs"]
mod sessions;
#[cfg(test)]
#[path = "sim/simulation.rs"]
mod simulation;
#[cfg(test)]
#[path = "sim/unasked.rs"]
mod unasked;
#[cfg(test)]
#[path = "sim/waiting.rs"]
mod waiting;
