//! The engine's addition.

use super::{memory::Memory, noise::Noise, operands::signed, Measuring, Run};
use crate::cuda::{
    error::DeviceError,
    launch::Add,
    measure::{MeasureError, MAX_BYTES},
};
use mizan_tensor::requantise;

/// Results that are compared.
const SAMPLES: u64 = 64;
const MULTIPLIERS: [i32; 2] = [1_234_567, -765_432];
const SHIFT: u8 = 20;

/// An addition of two tensors.
pub(super) struct Addition<'a> {
    measuring: Measuring<'a>,
    count: u64,
    noises: [Noise; 2],
    a: Memory<'a>,
    b: Memory<'a>,
    y: Memory<'a>,
    faults: Memory<'a>,
    checked: bool,
}

impl<'a> Addition<'a> {
    pub(super) fn new(
        measuring: Measuring<'a>,
        count: u64,
        checked: bool,
        seed: u64,
    ) -> Result<Self, MeasureError> {
        if !(1..=MAX_BYTES).contains(&count) {
            let what = "elements must be from 1 to 2^33";
            return Err(MeasureError::OutOfRange(what.into()));
        }
        measuring.check_room(3 * count + 4)?;
        let noises = [0, 1].map(|tensor| Noise::new(seed, tensor));
        let addition = Self {
            measuring,
            count,
            noises,
            a: Memory::of_noise(measuring, noises[0], count)?,
            b: Memory::of_noise(measuring, noises[1], count)?,
            y: Memory::new(measuring, count)?,
            faults: Memory::new(measuring, 4)?,
            checked,
        };
        addition.faults.set(0)?;
        Ok(addition)
    }

    fn expected(&self, place: u64) -> i8 {
        let element = |tensor: usize| {
            let noise = self.noises[tensor];
            let byte = noise.word(place / 8).to_le_bytes()[(place % 8) as usize];
            i64::from(signed(byte)) * i64::from(MULTIPLIERS[tensor])
        };
        requantise(element(0) + element(1), 1, SHIFT)
    }
}

impl Run for Addition<'_> {
    fn name(&self) -> String {
        "add".into()
    }

    fn queue(&self) -> Result<(), MeasureError> {
        let (kernels, stream) = (&self.measuring.opened.kernels, self.measuring.stream);
        let add = Add {
            a: self.a.address(),
            b: self.b.address(),
            table: 0,
            y: self.y.address(),
            count: self.count,
            multipliers: MULTIPLIERS,
            shift: SHIFT,
        };
        // SAFETY: the memory is as large as the kernels want, and outlives what is queued.
        unsafe {
            kernels.add(stream, add, None)?;
            if self.checked {
                kernels.add(stream, add, Some(self.faults.address()))?;
            }
        }
        Ok(())
    }

    fn prove(&self) -> Result<(), MeasureError> {
        let spread = (0..SAMPLES).map(|index| self.noises[0].word(index) % self.count);
        let places: Vec<_> = spread.chain([0, self.count - 1]).collect();
        for (place, found) in places.iter().zip(self.y.get(&places, 1)?) {
            let (found, expected) = (signed(found), self.expected(*place));
            if found != expected {
                return Err(MeasureError::WrongResult {
                    of: self.name(),
                    row: 0,
                    column: *place,
                    found: found.into(),
                    expected: expected.into(),
                });
            }
        }
        if self.faults.get(&[0], 4)? != [0; 4] {
            return Err(DeviceError::ResultCheckFailed { operation: 0 }.into());
        }
        Ok(())
    }
}
