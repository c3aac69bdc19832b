//! A product by cublasLt.
//!
//! The library counts in columns. The engine's `w`, rows of `k` bytes, is its matrix A of `k` rows
//! and `n` columns, to be transposed; `x` is its B of `k` rows and `m` columns; and what it calls D,
//! `n` rows and `m` columns, are rows of `n` results, as the engine's `y`.

use super::{
    super::{
        memory::Memory,
        operands::{signed, Operands, Sample},
        Run,
    },
    descriptors::{Descriptor, Kind},
    library::{check, Library, Proposal},
};
use crate::cuda::measure::{MeasureError, PeerOutput, Product};
use std::{
    ffi::{c_int, c_void},
    ptr,
};

/// Memory for algorithms: twice what NVIDIA recommends for the devices that want most.
pub(super) const WORKSPACE_BYTES: u64 = 64 << 20;
/// Most algorithms that are asked for.
const ALGORITHMS: usize = 32;
/// `CUBLAS_STATUS_NOT_SUPPORTED`: no algorithm for what was asked for.
const NOT_SUPPORTED: c_int = 15;

/// A product, and the algorithms for it.
pub(super) struct Matmul<'a> {
    operands: &'a Operands<'a>,
    library: &'a Library,
    output: PeerOutput,
    // They go first, and wait for what is queued: the library must be there until then.
    result: Memory<'a>,
    workspace: Memory<'a>,
    product: Descriptor,
    /// Of w, x and the result.
    layouts: [Descriptor; 3],
    handle: Descriptor,
    proposals: Vec<Proposal>,
    chosen: Proposal,
}

fn width(output: PeerOutput) -> usize {
    match output {
        PeerOutput::Int32 => 4,
        PeerOutput::Int8 => 1,
    }
}

/// Memory of the result.
pub(super) fn result_bytes(product: Product, output: PeerOutput) -> u64 {
    let elements = product.m.saturating_mul(product.n.into());
    elements.saturating_mul(width(output) as u64)
}

/// Where most results stay within a byte: an accumulator is about 5,461 times the root of k.
fn scale(k: u32) -> f32 {
    0.01 / (k as f32).sqrt()
}

impl<'a> Matmul<'a> {
    /// With the algorithm that the library thinks best.
    pub(super) fn new(
        operands: &'a Operands<'a>,
        library: &'a Library,
        output: PeerOutput,
    ) -> Result<Self, MeasureError> {
        let (measuring, Product { m, n, k }) = (operands.measuring, operands.product);
        let (n, k) = (u64::from(n), u64::from(k));
        let (results, scales) = match output {
            PeerOutput::Int32 => (Kind::Int32, Kind::Int32),
            PeerOutput::Int8 => (Kind::Int8, Kind::Float32),
        };
        let mut matmul = Self {
            operands,
            library,
            output,
            handle: Descriptor::of_library(library)?,
            product: Descriptor::product(library, scales)?,
            layouts: [
                Descriptor::matrix(library, Kind::Int8, k, n)?,
                Descriptor::matrix(library, Kind::Int8, k, m)?,
                Descriptor::matrix(library, results, n, m)?,
            ],
            result: Memory::new(measuring, result_bytes(operands.product, output))?,
            workspace: Memory::new(measuring, WORKSPACE_BYTES)?,
            proposals: Vec::new(),
            chosen: Proposal::default(),
        };
        matmul.ask()?;
        matmul.choose(0)?;
        Ok(matmul)
    }

    /// Asks the library for algorithms.
    fn ask(&mut self) -> Result<(), MeasureError> {
        let preference = Descriptor::preference(self.library, WORKSPACE_BYTES)?;
        let mut proposals = [Proposal::default(); ALGORITHMS];
        let mut count = 0;
        let [w, x, result] = &self.layouts;
        // SAFETY: all handles are alive, and there is room for as many proposals as are asked for.
        let status = unsafe {
            (self.library.functions.propose)(
                self.handle.handle(),
                self.product.handle(),
                w.handle(),
                x.handle(),
                result.handle(),
                result.handle(),
                preference.handle(),
                ALGORITHMS as c_int,
                proposals.as_mut_ptr(),
                &mut count,
            )
        };
        if status == NOT_SUPPORTED {
            return Err(self.no_algorithm());
        }
        check("cublasLtMatmulAlgoGetHeuristic", status)?;
        let count = usize::try_from(count).unwrap_or_default();
        let fits = |proposal: &&Proposal| {
            proposal.state == 0 && proposal.workspace_bytes as u64 <= WORKSPACE_BYTES
        };
        self.proposals = proposals.iter().take(count).filter(fits).copied().collect();
        Ok(())
    }

    /// How many algorithms there are.
    pub(super) fn algorithms(&self) -> usize {
        self.proposals.len()
    }

    /// Takes that algorithm from now on, and forgets what others have left.
    pub(super) fn choose(&mut self, algorithm: usize) -> Result<(), MeasureError> {
        let proposal = self.proposals.get(algorithm);
        self.chosen = *proposal.ok_or_else(|| self.no_algorithm())?;
        self.result.reset()
    }

    pub(super) fn no_algorithm(&self) -> MeasureError {
        let Product { m, n, k } = self.operands.product;
        MeasureError::NoAlgorithm { m, n, k }
    }

    /// Compares elements with the definition.
    pub(super) fn prove_samples(&self, samples: &[Sample]) -> Result<(), MeasureError> {
        let width = width(self.output);
        let columns = self.operands.product.n;
        let places = samples.iter().map(|sample| sample.place(columns));
        let places: Vec<_> = places.map(|place| place * width as u64).collect();
        let elements = self.result.get(&places, width)?;
        for (sample, element) in samples.iter().zip(elements.chunks_exact(width)) {
            let (found, expected) = match *element {
                [a, b, c, d] => {
                    let found = i32::from_le_bytes([a, b, c, d]);
                    (found.into(), sample.accumulator.into())
                }
                [byte, ..] => self.scaled(*sample, signed(byte)),
                [] => continue,
            };
            if found != expected {
                return Err(sample.wrong(self.name(), found, expected));
            }
        }
        Ok(())
    }

    /// What a scaled result is, and what it should be. The library's floats may round a number
    /// halfway between two to either.
    fn scaled(&self, sample: Sample, found: i8) -> (i64, i64) {
        let scaled = f64::from(sample.accumulator) * f64::from(scale(self.operands.product.k));
        let scaled = scaled.clamp(-128.0, 127.0);
        let expected = scaled.round() as i64;
        match (f64::from(found) - scaled).abs() <= 0.5 + 1e-4 {
            true => (expected, expected),
            false => (found.into(), expected),
        }
    }
}

impl Run for Matmul<'_> {
    fn name(&self) -> String {
        self.library.path.clone()
    }

    fn queue(&self) -> Result<(), MeasureError> {
        let k = self.operands.product.k;
        let (integers, floats) = ([1i32, 0], [scale(k), 0.0]);
        let scales: [*const c_void; 2] = match self.output {
            PeerOutput::Int32 => [0, 1].map(|i| ptr::from_ref(&integers[i]).cast()),
            PeerOutput::Int8 => [0, 1].map(|i| ptr::from_ref(&floats[i]).cast()),
        };
        let [w, x, result] = &self.layouts;
        let to = self.result.address() as *mut c_void;
        // SAFETY: all handles are alive; the matrices are as large as their layouts say, and
        // outlive what is queued, as does the workspace; the scales are read by the call itself.
        let status = unsafe {
            (self.library.functions.multiply)(
                self.handle.handle(),
                self.product.handle(),
                scales[0],
                self.operands.w.address() as *const c_void,
                w.handle(),
                self.operands.x.address() as *const c_void,
                x.handle(),
                scales[1],
                to,
                result.handle(),
                to,
                result.handle(),
                &self.chosen.algorithm,
                self.workspace.address() as *mut c_void,
                WORKSPACE_BYTES as usize,
                self.operands.measuring.stream.as_inner().cast(),
            )
        };
        check("cublasLtMatmul", status)
    }

    fn prove(&self) -> Result<(), MeasureError> {
        self.prove_samples(&self.operands.samples())
    }
}
