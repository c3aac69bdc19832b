//! cublasLt's descriptions of matrices and operations, each destroyed with its owner.

use super::library::{check, Functions, Handle, Library, Status};
use crate::cuda::measure::MeasureError;
use std::{ffi::c_int, ptr};

/// `cudaDataType`: what a matrix or a scale is made of.
#[derive(Clone, Copy)]
#[repr(i32)]
pub(super) enum Kind {
    Float32 = 0,
    Int8 = 3,
    Int32 = 10,
}

/// `CUBLAS_COMPUTE_32I`: exact accumulators.
const COMPUTE_INT32: c_int = 72;
/// `CUBLASLT_MATMUL_DESC_TRANSA` and `_TRANSB`, `CUBLAS_OP_N` and `_T`.
const TRANSPOSE_A: c_int = 3;
const TRANSPOSE_B: c_int = 4;
const AS_IT_IS: i32 = 0;
const TRANSPOSED: i32 = 1;
/// `CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES`.
const MOST_WORKSPACE: c_int = 1;

/// Something that the library made.
pub(super) struct Descriptor {
    handle: Handle,
    destroy: unsafe extern "C" fn(Handle) -> Status,
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: the library made it, and nobody uses it any more. A failure changes nothing.
        let _ = unsafe { (self.destroy)(self.handle) };
    }
}

impl Descriptor {
    pub(super) fn handle(&self) -> Handle {
        self.handle
    }

    /// Takes over what a call has made.
    fn made(
        call: &str,
        destroy: unsafe extern "C" fn(Handle) -> Status,
        make: impl FnOnce(*mut Handle) -> Status,
    ) -> Result<Self, MeasureError> {
        let mut handle = ptr::null_mut();
        check(call, make(&mut handle))?;
        Ok(Self { handle, destroy })
    }

    /// The library itself at work on the device whose context is current.
    pub(super) fn of_library(library: &Library) -> Result<Self, MeasureError> {
        let Functions {
            create, destroy, ..
        } = library.functions;
        // SAFETY: the pointer is to room for a handle.
        Self::made("cublasLtCreate", destroy, |to| unsafe { create(to) })
    }

    /// A matrix whose columns follow each other without gaps.
    pub(super) fn matrix(
        library: &Library,
        kind: Kind,
        rows: u64,
        columns: u64,
    ) -> Result<Self, MeasureError> {
        let Functions {
            create_layout,
            destroy_layout,
            ..
        } = library.functions;
        let stride = i64::try_from(rows).unwrap_or(i64::MAX);
        Self::made("cublasLtMatrixLayoutCreate", destroy_layout, |to| {
            // SAFETY: the pointer is to room for a handle.
            unsafe { create_layout(to, kind as c_int, rows, columns, stride) }
        })
    }

    /// A product of a transposed matrix with another one, of exact accumulators that are scaled by
    /// numbers of that kind.
    pub(super) fn product(library: &Library, scale: Kind) -> Result<Self, MeasureError> {
        let Functions {
            create_operation,
            destroy_operation,
            set_operation,
            ..
        } = library.functions;
        let product = Self::made("cublasLtMatmulDescCreate", destroy_operation, |to| {
            // SAFETY: the pointer is to room for a handle.
            unsafe { create_operation(to, COMPUTE_INT32, scale as c_int) }
        })?;
        for (attribute, value) in [(TRANSPOSE_A, TRANSPOSED), (TRANSPOSE_B, AS_IT_IS)] {
            // SAFETY: the value is of the four bytes that are said.
            let status = unsafe {
                let value = ptr::from_ref(&value).cast();
                set_operation(product.handle, attribute, value, size_of::<i32>())
            };
            check("cublasLtMatmulDescSetAttribute", status)?;
        }
        Ok(product)
    }

    /// The wish for algorithms with at most so much memory for themselves.
    pub(super) fn preference(
        library: &Library,
        workspace_bytes: u64,
    ) -> Result<Self, MeasureError> {
        let Functions {
            create_preference,
            destroy_preference,
            set_preference,
            ..
        } = library.functions;
        // SAFETY: the pointer is to room for a handle.
        let make = |to| unsafe { create_preference(to) };
        let preference = Self::made("cublasLtMatmulPreferenceCreate", destroy_preference, make)?;
        // SAFETY: the value is of the eight bytes that are said.
        let status = unsafe {
            let value = ptr::from_ref(&workspace_bytes).cast();
            set_preference(preference.handle, MOST_WORKSPACE, value, size_of::<u64>())
        };
        check("cublasLtMatmulPreferenceSetAttribute", status)?;
        Ok(preference)
    }
}
