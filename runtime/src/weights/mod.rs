//! The weights of calls and hooks, measured by `scripts/weights`, which writes every file of this
//! folder but this one.

pub mod frame_system;
pub mod frame_system_extensions;
pub mod pallet_balances;
pub mod pallet_beacon;
pub mod pallet_disputes;
pub mod pallet_jobs;
pub mod pallet_models;
pub mod pallet_providers;
pub mod pallet_rewards;
pub mod pallet_session;
pub mod pallet_timestamp;
pub mod pallet_transaction_payment;
pub mod pallet_utility;
