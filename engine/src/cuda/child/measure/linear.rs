//! The engine's own products.

use super::{
    memory::Memory,
    operands::{signed, Operands, Sample},
    Run,
};
use crate::cuda::{
    child::opened::Opened,
    error::DeviceError,
    launch::{self, Kernels, Sharing, WeightCheck},
    measure::{LinearKernel, LinearWay, MeasureError, Product},
    tiles::{self, Tile},
    ways::{Room, Way},
};
use mizan_tensor::requantise;

/// Numbers of the tensors that a product has besides its operands.
const CHANNELS: u64 = 0;
const FACTORS: u64 = 1;

/// Kernels, and which way was asked for.
pub(super) struct Kernel {
    way: Option<Way>,
    /// The module that has it, if not that of all jobs.
    own: Option<Kernels>,
}

/// What was asked for, or what a job would get.
pub(super) fn kernel(opened: &Opened, wanted: Option<LinearWay>) -> Result<Kernel, MeasureError> {
    let Some(wanted) = wanted else {
        return Ok(Kernel {
            way: None,
            own: None,
        });
    };
    wanted.check()?;
    let way = Way {
        tile: tile(wanted.kernel),
        parts: wanted.parts,
    };
    let lacks = || MeasureError::NoSuchKernel(way.tile.entry.into());
    let family = wanted.kernel.family();
    if !family.runs_on(opened.info.capability) {
        return Err(lacks());
    }
    let kernels = Kernels::load(family, true, opened.info.processors)?;
    match kernels.grants(way.tile) {
        true => Ok(Kernel {
            way: Some(way),
            own: Some(kernels),
        }),
        false => Err(lacks()),
    }
}

fn tile(kernel: LinearKernel) -> Tile {
    match kernel {
        LinearKernel::Dp4aRows => tiles::ROWS_DP4A,
        LinearKernel::Dp4a128x128 => tiles::LARGE_DP4A,
        LinearKernel::Mma8x8x16Of128x128 => tiles::LARGE_MMA_8X8X16,
        LinearKernel::Mma16x8x32Of64x64 => tiles::SMALL_MMA_16X8X32,
        LinearKernel::Mma16x8x32Of128x128 => tiles::MIDDLE_MMA_16X8X32,
        LinearKernel::Mma16x8x32Of128x256 => tiles::LARGE_MMA_16X8X32,
        LinearKernel::WgmmaOf128x256 => tiles::LARGE_WGMMA,
    }
}

impl Kernel {
    /// The room that blocks need which share tiles.
    fn room(&self, opened: &Opened, Product { m, n, k }: Product) -> Room {
        match self.way {
            None => opened.room(m, n, k),
            Some(way) => way.room(m, n),
        }
    }

    /// Memory of everything but the operands, with checks.
    pub(super) fn bytes(&self, opened: &Opened, product: Product) -> u64 {
        let Product { m, n, k } = product;
        let room = self.room(opened, product);
        let (n, k) = (u64::from(n), u64::from(k));
        // The result; its rows' sums; channel records and factors; u; faults.
        let rows = m.saturating_mul(n + 16);
        rows.saturating_add(n * (16 + 4) + k * 8 + 4)
            .saturating_add(room.arrivals_bytes)
            .saturating_add(room.partials_bytes)
    }
}

/// A linear operation.
pub(super) struct Linear<'a> {
    operands: &'a Operands<'a>,
    kernel: &'a Kernel,
    channels: Memory<'a>,
    y: Memory<'a>,
    room: Room,
    arrivals: Memory<'a>,
    partials: Memory<'a>,
    check: Option<Check<'a>>,
    way: Way,
}

struct Check<'a> {
    r: Memory<'a>,
    u: Memory<'a>,
    sums: Memory<'a>,
    faults: Memory<'a>,
}

impl<'a> Linear<'a> {
    pub(super) fn new(
        operands: &'a Operands<'a>,
        kernel: &'a Kernel,
        checked: bool,
    ) -> Result<Self, MeasureError> {
        let (measuring, Product { m, n, .. }) = (operands.measuring, operands.product);
        let records = (0..n).flat_map(|column| Channel::of(operands, column).record());
        let channels = Memory::with(measuring, &records.collect::<Vec<_>>())?;
        let room = kernel.room(measuring.opened, operands.product);
        let usual = Way::whole(measuring.opened.kernels.choice().tile(m, n));
        let mut linear = Self {
            operands,
            kernel,
            channels,
            y: Memory::new(measuring, m * u64::from(n))?,
            room,
            arrivals: Memory::new(measuring, room.arrivals_bytes)?,
            partials: Memory::new(measuring, room.partials_bytes)?,
            check: checked.then(|| Check::new(operands)).transpose()?,
            way: kernel.way.unwrap_or(usual),
        };
        linear.arrivals.set(0)?;
        if kernel.way.is_none() {
            linear.way = linear.best()?;
        }
        Ok(linear)
    }

    /// How a job would compute it.
    fn best(&self) -> Result<Way, MeasureError> {
        let measuring = self.operands.measuring;
        let (opened, stream) = (measuring.opened, measuring.stream);
        let check = self.check.as_ref();
        let faults = check.map(|check| check.faults.address());
        // SAFETY: the memory is as large as the kernels want, and outlives what is queued;
        // counters are zero by then.
        let way = unsafe { opened.way(stream, self.operation(), faults) }?;
        Ok(way.ok_or(DeviceError::ResultCheckFailed { operation: 0 })?)
    }

    fn operation(&self) -> launch::Linear {
        let Product { m, n, k } = self.operands.product;
        let check = self.check.as_ref();
        launch::Linear {
            x: self.operands.x.address(),
            w: self.operands.w.address(),
            channels: self.channels.address(),
            table: 0,
            y: self.y.address(),
            m,
            n,
            k,
            // Null, and so no sums, if unchecked.
            check: check.map_or(WeightCheck { r: 0, u: 0 }, Check::weights),
            sums: check.map_or(0, |check| check.sums.address()),
            sharing: Sharing {
                room: self.room,
                arrivals: self.arrivals.address(),
                partials: self.partials.address(),
            },
        }
    }
}

impl<'a> Check<'a> {
    fn new(operands: &'a Operands<'a>) -> Result<Self, MeasureError> {
        let (measuring, Product { m, n, k }) = (operands.measuring, operands.product);
        let noise = operands.noise(FACTORS);
        // From 1 to 2^31 - 1.
        let factor = |index| (noise.word(index) % u64::from(u32::MAX >> 1)) as u32 + 1;
        let factors = (0..u64::from(n)).flat_map(|index| factor(index).to_le_bytes());
        let check = Self {
            r: Memory::with(measuring, &factors.collect::<Vec<_>>())?,
            u: Memory::new(measuring, u64::from(k) * 8)?,
            sums: Memory::new(measuring, m * 16)?,
            faults: Memory::new(measuring, 4)?,
        };
        check.u.set(0)?;
        check.faults.set(0)?;
        let (kernels, stream) = (&measuring.opened.kernels, measuring.stream);
        let (w, weights) = (operands.w.address(), check.weights());
        // SAFETY: the memory is as large as the kernel wants, and outlives what is queued.
        unsafe { kernels.check_weights(stream, w, weights, [n, k]) }?;
        measuring.wait()?;
        Ok(check)
    }

    fn weights(&self) -> WeightCheck {
        WeightCheck {
            r: self.r.address(),
            u: self.u.address(),
        }
    }
}

impl Run for Linear<'_> {
    fn name(&self) -> String {
        self.way.name()
    }

    fn queue(&self) -> Result<(), MeasureError> {
        let measuring = self.operands.measuring;
        let of_jobs = &measuring.opened.kernels;
        let kernels = self.kernel.own.as_ref().unwrap_or(of_jobs);
        let (stream, operation) = (measuring.stream, self.operation());
        if let Some(check) = &self.check {
            check.sums.set(0)?;
        }
        // SAFETY: the memory is as large as the kernels want, and outlives what is queued; sums
        // are zero by then.
        unsafe {
            kernels.linear(self.way, stream, operation)?;
            if let Some(check) = &self.check {
                of_jobs.check_linear(stream, operation, check.faults.address())?;
            }
        }
        Ok(())
    }

    fn prove(&self) -> Result<(), MeasureError> {
        let samples = self.operands.samples();
        let columns = self.operands.product.n;
        let places: Vec<_> = samples.iter().map(|each| each.place(columns)).collect();
        for (sample, found) in samples.iter().zip(self.y.get(&places, 1)?) {
            let expected = Channel::of(self.operands, sample.column).result(*sample);
            if signed(found) != expected {
                return Err(sample.wrong(self.name(), signed(found).into(), expected.into()));
            }
        }
        if let Some(check) = &self.check {
            if check.faults.get(&[0], 4)? != [0; 4] {
                let wrong = DeviceError::ResultCheckFailed { operation: 0 };
                return Err(wrong.into());
            }
        }
        Ok(())
    }
}

/// How the results of a column are scaled.
struct Channel {
    bias: i32,
    multiplier: i32,
    shift: u8,
}

impl Channel {
    /// So that results spread over the whole range.
    fn of(operands: &Operands<'_>, column: u32) -> Self {
        let word = operands.noise(CHANNELS).word(column.into());
        let bits = u32::BITS - operands.product.k.leading_zeros();
        Self {
            // Of 16 bits.
            bias: (word as i32) >> 16,
            // From 2^20 to 2^21.
            multiplier: (1 << 20) + (word >> 44) as i32,
            // An accumulator is about 5,461 times the root of k.
            shift: 27 + (bits / 2) as u8,
        }
    }

    fn record(&self) -> [u8; 16] {
        let mut record = [0; 16];
        record[..4].copy_from_slice(&self.bias.to_le_bytes());
        record[4..8].copy_from_slice(&self.multiplier.to_le_bytes());
        record[8] = self.shift;
        record
    }

    fn result(&self, sample: Sample) -> i8 {
        let sum = i64::from(sample.accumulator) + i64::from(self.bias);
        requantise(sum, self.multiplier, self.shift)
    }
}
