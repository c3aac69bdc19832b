//! What the runtime decides for each pallet, one file per concern.

pub mod consensus;
pub mod mizan;
pub mod money;
pub mod system;
pub mod utility;
