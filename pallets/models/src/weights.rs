//! Weights of the call.

use mizan_protocol::weights::{bound, operations_of};
use polkadot_sdk::frame_support::weights::Weight;

/// Weights of this pallet's call. The runtime has measured ones.
#[allow(missing_docs)]
pub trait WeightInfo {
    /// A program of `o` operations with `b` bytes of parameters besides.
    fn register_model(o: u32, b: u32) -> Weight;

    /// No program of so many bytes costs more: as many operations as the bytes and the format
    /// have room for, and parameters in all the bytes, though both can't be.
    fn register_model_of(bytes: u32) -> Weight {
        Self::register_model(operations_of(bytes), bytes)
    }
}

/// Bounds for mocks, in which nothing is measured.
impl WeightInfo for () {
    fn register_model(o: u32, b: u32) -> Weight {
        let units = u64::from(o).saturating_add(u64::from(b).div_ceil(8));
        bound(200, 4, 4).saturating_add(bound(1, 0, 0).saturating_mul(units))
    }
}
