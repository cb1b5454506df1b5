//! The fake registries as a process of their own.

fn main() {}
