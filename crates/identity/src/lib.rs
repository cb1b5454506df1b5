//! Who asks, and what they may do: tokens, scopes, and the credential forms that clients send.
//!
//! Nothing in here asks a database or a clock. The engine looks a token's hash up where tokens are kept and
//! hands the row over as a [`TokenRecord`]; [`Authenticator`] keeps those rows in memory until the tokens'
//! revision moves.

mod authenticator;
mod credential;
mod identity;
mod scope;
mod token;

pub use authenticator::{AuthenticationError, Authenticator};
pub use credential::{InvalidCredential, token_from_headers};
pub use identity::{Identity, InvalidOwner, Rejected, TokenRecord};
pub use scope::{InvalidScope, Scope, parse_scopes, print_scopes};
pub use token::{InvalidToken, NoRandomness, Token, TokenHash};
