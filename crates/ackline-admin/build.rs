//! The console's files are part of the library: it is built again when they change.

fn main() {
    println!("cargo:rerun-if-changed=console");
}
