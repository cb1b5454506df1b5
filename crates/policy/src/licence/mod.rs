//! Licence expressions.
