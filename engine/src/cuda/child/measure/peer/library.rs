//! cublasLt as it is found on the host: which file, and its functions.
//!
//! Signatures and numbers are those of `cublasLt.h` and `cublas_api.h`, which have not changed
//! from CUDA 11 to 13.

use crate::cuda::measure::{MeasureError, LOOKED_FOR, PEER_LIBRARY};
use std::{
    env,
    ffi::{c_char, c_int, c_void, CStr, CString, OsStr},
    mem,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// Folders, within one that is named, that may have the library: of a toolkit, of Python's
/// packages for CUDA 11 and 12, and for 13.
const FOLDERS: [&str; 7] = [
    "",
    "lib64",
    "lib",
    "nvidia/cublas/lib",
    "cublas/lib",
    "nvidia/cu13/lib",
    "cu13/lib",
];

/// Something of the library's own.
pub(super) type Handle = *mut c_void;
/// What it says of a call.
pub(super) type Status = c_int;

/// An algorithm that the library proposes.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct Proposal {
    pub(super) algorithm: [u64; 8],
    pub(super) workspace_bytes: usize,
    /// The rest is only right if this is success.
    pub(super) state: Status,
    waves: f32,
    reserved: [c_int; 4],
}

extern "C" {
    fn dlopen(name: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
    fn dlerror() -> *const c_char;
}

/// Everything is resolved now, and for this library alone.
const RTLD_NOW: c_int = 2;

/// Declares the library's functions and finds them.
macro_rules! functions {
    ($($field:ident = $symbol:literal ($($argument:ty),*) -> $result:ty;)*) => {
        /// The library's functions that are used here.
        #[derive(Clone, Copy)]
        pub(super) struct Functions {
            $(pub(super) $field: unsafe extern "C" fn($($argument),*) -> $result,)*
        }

        impl Functions {
            /// # Safety
            /// The library must be cublasLt, and stay.
            unsafe fn of(library: *mut c_void, path: &str) -> Result<Self, MeasureError> {
                Ok(Self {
                    $($field: {
                        let found = symbol(library, path, $symbol)?;
                        // SAFETY: a function of that name has this signature in the library's
                        // header.
                        unsafe {
                            mem::transmute::<
                                *mut c_void,
                                unsafe extern "C" fn($($argument),*) -> $result,
                            >(found)
                        }
                    },)*
                })
            }
        }
    };
}

functions! {
    version = "cublasLtGetVersion" () -> usize;
    create = "cublasLtCreate" (*mut Handle) -> Status;
    destroy = "cublasLtDestroy" (Handle) -> Status;
    create_layout = "cublasLtMatrixLayoutCreate" (*mut Handle, c_int, u64, u64, i64) -> Status;
    destroy_layout = "cublasLtMatrixLayoutDestroy" (Handle) -> Status;
    create_operation = "cublasLtMatmulDescCreate" (*mut Handle, c_int, c_int) -> Status;
    destroy_operation = "cublasLtMatmulDescDestroy" (Handle) -> Status;
    set_operation = "cublasLtMatmulDescSetAttribute"
        (Handle, c_int, *const c_void, usize) -> Status;
    create_preference = "cublasLtMatmulPreferenceCreate" (*mut Handle) -> Status;
    destroy_preference = "cublasLtMatmulPreferenceDestroy" (Handle) -> Status;
    set_preference = "cublasLtMatmulPreferenceSetAttribute"
        (Handle, c_int, *const c_void, usize) -> Status;
    propose = "cublasLtMatmulAlgoGetHeuristic"
        (Handle, Handle, Handle, Handle, Handle, Handle, Handle, c_int, *mut Proposal, *mut c_int)
        -> Status;
    multiply = "cublasLtMatmul"
        (Handle, Handle, *const c_void, *const c_void, Handle, *const c_void, Handle,
         *const c_void, *const c_void, Handle, *mut c_void, Handle, *const [u64; 8], *mut c_void,
         usize, *mut c_void) -> Status;
}

/// The library, which stays open until the process ends.
pub(super) struct Library {
    /// As it was opened.
    pub(super) path: String,
    pub(super) functions: Functions,
}

impl Library {
    /// Looks for it where [`PEER_LIBRARY`] says, or by its usual names.
    pub(super) fn open() -> Result<Self, MeasureError> {
        let said = env::var_os(PEER_LIBRARY).filter(|said| !said.is_empty());
        let mut tried = Vec::new();
        for candidate in candidates(said.as_deref()) {
            match open(&candidate) {
                Ok(library) => {
                    let path = candidate.display().to_string();
                    // SAFETY: whoever put a library of that name there says that it is cublasLt;
                    // it is never closed.
                    let functions = unsafe { Functions::of(library, &path) }?;
                    return Ok(Self { path, functions });
                }
                Err(reason) => tried.push(reason),
            }
        }
        if tried.is_empty() {
            let said = said.unwrap_or_default();
            tried.push(format!(
                "{} has none of {}",
                said.display(),
                LOOKED_FOR.join(", ")
            ));
        }
        Err(MeasureError::LibraryNotFound {
            looked_for: tried.join("; "),
        })
    }

    /// As the library counts: 120,903 for 12.9.3.
    pub(super) fn version(&self) -> u64 {
        // SAFETY: it takes nothing and gives a number.
        unsafe { (self.functions.version)() as u64 }
    }
}

/// What to open, in this order. A folder is looked through for files that are there; names without
/// a folder are for the loader.
fn candidates(said: Option<&OsStr>) -> Vec<PathBuf> {
    let Some(said) = said.map(Path::new) else {
        return LOOKED_FOR.iter().map(PathBuf::from).collect();
    };
    if !said.is_dir() {
        return vec![said.to_owned()];
    }
    let inside = FOLDERS.iter().map(|folder| said.join(folder));
    let files = inside.flat_map(|folder| LOOKED_FOR.map(|name| folder.join(name)));
    files.filter(|file| file.exists()).collect()
}

fn open(path: &Path) -> Result<*mut c_void, String> {
    let name = CString::new(path.as_os_str().as_bytes()).map_err(|error| error.to_string())?;
    // SAFETY: the name is a text that ends with a zero. What a library does when it is opened is
    // up to whoever put it there.
    let library = unsafe { dlopen(name.as_ptr(), RTLD_NOW) };
    if !library.is_null() {
        return Ok(library);
    }
    // SAFETY: it takes nothing, and gives null or a text that stays until the next call.
    let reason = unsafe {
        let text = dlerror();
        (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
    };
    Err(reason.unwrap_or_else(|| path.display().to_string()))
}

fn symbol(library: *mut c_void, path: &str, name: &str) -> Result<*mut c_void, MeasureError> {
    let missing = || MeasureError::SymbolMissing {
        library: path.into(),
        symbol: name.into(),
    };
    let text = CString::new(name).map_err(|_| missing())?;
    // SAFETY: the library is open, and the name a text that ends with a zero.
    let found = unsafe { dlsym(library, text.as_ptr()) };
    match found.is_null() {
        true => Err(missing()),
        false => Ok(found),
    }
}

/// The error of a call that failed.
pub(super) fn check(call: &str, status: Status) -> Result<(), MeasureError> {
    let name = match status {
        0 => return Ok(()),
        1 => "CUBLAS_STATUS_NOT_INITIALIZED",
        3 => "CUBLAS_STATUS_ALLOC_FAILED",
        7 => "CUBLAS_STATUS_INVALID_VALUE",
        8 => "CUBLAS_STATUS_ARCH_MISMATCH",
        11 => "CUBLAS_STATUS_MAPPING_ERROR",
        13 => "CUBLAS_STATUS_EXECUTION_FAILED",
        14 => "CUBLAS_STATUS_INTERNAL_ERROR",
        15 => "CUBLAS_STATUS_NOT_SUPPORTED",
        16 => "CUBLAS_STATUS_LICENSE_ERROR",
        _ => "a status without a name",
    };
    Err(MeasureError::LibraryFailed {
        call: call.into(),
        status,
        name: name.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposal_is_laid_out_as_in_the_header() {
        assert_eq!(mem::size_of::<Proposal>(), 96);
        assert_eq!(mem::offset_of!(Proposal, workspace_bytes), 64);
        assert_eq!(mem::offset_of!(Proposal, state), 72);
    }

    #[test]
    fn the_newest_name_is_looked_for_first_and_by_the_loader() {
        let names = candidates(None);
        assert_eq!(names, LOOKED_FOR.map(PathBuf::from));
    }

    #[test]
    fn a_folder_is_looked_through_as_toolkits_and_python_packages_are_laid_out() {
        let folder = tempfile::tempdir().unwrap();
        assert!(candidates(Some(folder.path().as_os_str())).is_empty());
        let mut expected = Vec::new();
        for (inside, name) in [
            ("lib64", "libcublasLt.so"),
            ("nvidia/cublas/lib", "libcublasLt.so.12"),
            ("nvidia/cu13/lib", "libcublasLt.so.13"),
        ] {
            let inside = folder.path().join(inside);
            std::fs::create_dir_all(&inside).unwrap();
            std::fs::write(inside.join(name), "").unwrap();
            expected.push(inside.join(name));
        }
        assert_eq!(candidates(Some(folder.path().as_os_str())), expected);
        // What is not a folder is taken for the library, whatever its name.
        let file = folder.path().join("mine.so");
        assert_eq!(candidates(Some(file.as_os_str())), [file]);
    }
}
