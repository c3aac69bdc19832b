//! Products beside cublasLt's, of which the tests build their own.

use crate::{cublaslt, fixture::driver};
use mizan_engine::cuda::{
    measure::{
        Bench, Comparison, Contest, Effort, MeasureError, PeerOutput, Product, PEER_LIBRARY,
    },
    CudaSettings, DeviceError,
};
use std::path::Path;

const CONTEST: Contest = Contest {
    product: Product {
        m: 70,
        n: 132,
        k: 96,
    },
    way: None,
    checked: false,
    output: PeerOutput::Int32,
};
const EFFORT: Effort = Effort {
    rounds: 3,
    repetitions: 2,
    seed: 7,
};

/// A device, with cublasLt there, which behaves in that way.
fn settings(driver_behaviour: &str, library: &Path, behaviour: &str) -> CudaSettings {
    let mut settings = driver(driver_behaviour);
    settings.command.environment.extend([
        (PEER_LIBRARY.into(), library.into()),
        ("MIZAN_TEST_CUBLASLT".into(), behaviour.into()),
    ]);
    settings
}

fn compared(settings: &CudaSettings, contest: Contest) -> Result<Comparison, MeasureError> {
    Bench::open(settings, 0).unwrap().compare(contest, EFFORT)
}

/// What comes of a library that behaves in that way.
fn with(behaviour: &str) -> Result<Comparison, MeasureError> {
    compared(&settings("", &cublaslt::GOOD, behaviour), CONTEST)
}

fn path() -> String {
    cublaslt::GOOD.join(cublaslt::NAME).display().to_string()
}

#[test]
fn both_are_measured_on_the_same_operands() {
    let bench = Bench::open(&settings("", &cublaslt::GOOD, ""), 0).unwrap();
    for output in [PeerOutput::Int32, PeerOutput::Int8] {
        for checked in [false, true] {
            let contest = Contest {
                checked,
                output,
                ..CONTEST
            };
            let comparison = bench.compare(contest, EFFORT).unwrap();
            assert_eq!(comparison.own.of, "linear_mma_m16n8k32_128x128");
            assert_eq!(comparison.peer.of, path());
            // All three that it proposes, without the one whose state says that it is no use.
            assert_eq!((comparison.version, comparison.tried), (120_903, 3));
            for timing in [&comparison.own, &comparison.peer] {
                assert_eq!((timing.repetitions, timing.round_nanos.len()), (2, 3));
            }
            assert!(comparison.ratio().is_finite() && comparison.ratio() > 0.0);
        }
    }
}

#[test]
fn shapes_of_few_rows_or_columns_are_compared_too() {
    let bench = Bench::open(&settings("", &cublaslt::GOOD, ""), 0).unwrap();
    for (m, n, k) in [(1, 4, 4), (1, 512, 64), (257, 4, 1_024), (3, 16, 65_536)] {
        let contest = Contest {
            product: Product { m, n, k },
            ..CONTEST
        };
        bench.compare(contest, EFFORT).unwrap();
    }
}

#[test]
fn the_library_is_found_by_its_path_or_by_the_loader() {
    let by_path = settings("", &cublaslt::GOOD.join(cublaslt::NAME), "");
    assert_eq!(compared(&by_path, CONTEST).unwrap().peer.of, path());
    let mut by_name = driver("");
    let (name, folders) = &mut by_name.command.environment[0];
    assert_eq!(name, "LD_LIBRARY_PATH");
    folders.push(":");
    folders.push(cublaslt::GOOD.as_os_str());
    assert_eq!(compared(&by_name, CONTEST).unwrap().peer.of, cublaslt::NAME);
}

#[test]
fn a_library_that_is_not_there_is_told_with_where_it_was_looked_for() {
    let empty = tempfile::tempdir().unwrap();
    let error = compared(&settings("", empty.path(), ""), CONTEST).unwrap_err();
    let looked_for = format!(
        "{} has none of libcublasLt.so.13, libcublasLt.so.12, libcublasLt.so.11, libcublasLt.so",
        empty.path().display()
    );
    assert_eq!(error, MeasureError::LibraryNotFound { looked_for });
    let gone = empty.path().join("gone.so");
    let error = compared(&settings("", &gone, ""), CONTEST).unwrap_err();
    let MeasureError::LibraryNotFound { looked_for } = error else {
        panic!("{error}");
    };
    assert!(
        looked_for.contains(&gone.display().to_string()),
        "{looked_for}"
    );
    // A file that is no library.
    let text = empty.path().join("text.so");
    std::fs::write(&text, "text").unwrap();
    let error = compared(&settings("", &text, ""), CONTEST).unwrap_err();
    assert!(
        matches!(error, MeasureError::LibraryNotFound { .. }),
        "{error}"
    );
}

#[test]
fn a_library_without_a_function_is_no_cublaslt() {
    let folder = &*cublaslt::LACKING;
    let error = compared(&settings("", folder, ""), CONTEST).unwrap_err();
    let expected = MeasureError::SymbolMissing {
        library: folder.join(cublaslt::NAME).display().to_string(),
        symbol: "cublasLtMatmul".into(),
    };
    assert_eq!(error, expected);
}

#[test]
fn a_call_that_fails_is_named_with_its_status() {
    for (call, status, name) in [
        ("cublasLtCreate", 1, "CUBLAS_STATUS_NOT_INITIALIZED"),
        (
            "cublasLtMatrixLayoutCreate",
            3,
            "CUBLAS_STATUS_ALLOC_FAILED",
        ),
        ("cublasLtMatmulDescCreate", 7, "CUBLAS_STATUS_INVALID_VALUE"),
        (
            "cublasLtMatmulDescSetAttribute",
            7,
            "CUBLAS_STATUS_INVALID_VALUE",
        ),
        (
            "cublasLtMatmulPreferenceCreate",
            3,
            "CUBLAS_STATUS_ALLOC_FAILED",
        ),
        (
            "cublasLtMatmulPreferenceSetAttribute",
            14,
            "CUBLAS_STATUS_INTERNAL_ERROR",
        ),
        (
            "cublasLtMatmulAlgoGetHeuristic",
            8,
            "CUBLAS_STATUS_ARCH_MISMATCH",
        ),
        ("cublasLtMatmul", 13, "CUBLAS_STATUS_EXECUTION_FAILED"),
        ("cublasLtMatmul", 99, "a status without a name"),
    ] {
        let error = with(&format!("fail={call}:{status}")).unwrap_err();
        let expected = MeasureError::LibraryFailed {
            call: call.into(),
            status,
            name: name.into(),
        };
        assert_eq!(error, expected);
    }
}

#[test]
fn a_library_that_proposes_nothing_is_told() {
    // It is asked for a small product first.
    let (m, n, k) = (48, 80, 144);
    assert_eq!(
        with("propose=0"),
        Err(MeasureError::NoAlgorithm { m, n, k })
    );
    // It multiplies only in steps of 4.
    let (m, n, k) = (70, 130, 96);
    let contest = Contest {
        product: Product { m, n, k },
        ..CONTEST
    };
    let error = compared(&settings("", &cublaslt::GOOD, ""), contest);
    assert_eq!(error, Err(MeasureError::NoAlgorithm { m, n, k }));
}

#[test]
fn a_wrong_product_has_no_time() {
    let wrong_at = |comparison: Result<Comparison, MeasureError>| match comparison {
        Err(MeasureError::WrongResult {
            of, row, column, ..
        }) if of == path() => (row, column),
        other => panic!("{other:?}"),
    };
    // Found in the small product, which is compared as a whole; in the last element.
    assert_eq!(wrong_at(with("wrong=all")), (47, 79));
    // Right in the small one only, or by the first algorithm only.
    assert_eq!(wrong_at(with("wrong=large")), (69, 131));
    assert_eq!(wrong_at(with("wrong=second")), (69, 131));
    let scaled = Contest {
        output: PeerOutput::Int8,
        ..CONTEST
    };
    let comparison = compared(&settings("", &cublaslt::GOOD, "wrong=all"), scaled);
    assert_eq!(wrong_at(comparison), (47, 79));
}

#[test]
fn an_algorithm_that_is_refused_is_passed_over() {
    // The small product needs the first one.
    let error = with("refuse=first").unwrap_err();
    let MeasureError::LibraryFailed {
        call, status: 15, ..
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!(call, "cublasLtMatmul");
    // Of five, the first is refused for the large product alone.
    let comparison = with("propose=5,refuse=large").unwrap();
    assert_eq!(comparison.tried, 4);
}

#[test]
fn the_engines_own_product_must_be_right_as_well() {
    let behaviour = "flip=linear_mma_m16n8k32_128x128:0";
    let error = compared(&settings(behaviour, &cublaslt::GOOD, ""), CONTEST).unwrap_err();
    let MeasureError::WrongResult {
        of,
        row: 0,
        column: 0,
        ..
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!(of, "linear_mma_m16n8k32_128x128");
}

#[test]
fn the_librarys_result_and_workspace_count_for_the_devices_memory() {
    let free = 70_000_000;
    let contest = Contest {
        product: Product {
            m: 1_000,
            n: 1_000,
            k: 1_000,
        },
        ..CONTEST
    };
    let own = 2_000_000 + 1_000 * 1_016 + 1_000 * 20 + 8_000 + 4;
    let settings = settings(&format!("memory={free}"), &cublaslt::GOOD, "");
    let expected = MeasureError::TooLarge {
        bytes: own + 4_000_000 + (64 << 20),
        free,
    };
    assert_eq!(compared(&settings, contest), Err(expected));
}

#[test]
fn memory_that_is_short_meanwhile_ends_one_comparison() {
    // The workspace is the fourth that is asked for.
    let settings = settings("fail=cuMemAlloc_v2:4:2", &cublaslt::GOOD, "");
    let bench = Bench::open(&settings, 0).unwrap();
    let expected = DeviceError::OutOfMemory { bytes: 64 << 20 };
    assert_eq!(bench.compare(CONTEST, EFFORT), Err(expected.into()));
    assert!(bench.compare(CONTEST, EFFORT).is_ok());
}
