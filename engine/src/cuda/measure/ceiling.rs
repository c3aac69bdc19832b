//! What a device's hardware could do at most.

use crate::cuda::DeviceInfo;

/// Multiply-accumulates of signed bytes that a device's hardware makes in a second if nothing ever
/// holds it up: multiprocessors, times products per clock of each, times the highest clock that
/// the driver names. A device under load often runs below that clock, so even the best kernel
/// stays below 1.
///
/// | capability | `dp4a`, per clock | tensor cores, per clock | by NVIDIA's figure, halved, over multiprocessors and clock |
/// | --- | --- | --- | --- |
/// | 6.1 | 512 | | *Tesla P40 datasheet*: 47 TOPS, 30, 1,531 MHz |
/// | 7.0 | 256 | | *A100 architecture whitepaper*, V100 beside A100: 62 TOPS, 80, 1,530 MHz |
/// | 7.5 | | 1,024 | *Turing architecture whitepaper*, RTX 2080 Ti: 215.2 TOPS, 68, 1,545 MHz |
/// | 8.0 | | 2,048 | *A100 architecture whitepaper*: 624 TOPS, 108, 1,410 MHz |
/// | 8.6 | | 1,024 | *GA102 architecture whitepaper*, RTX 3090: 284 TOPS, 82, 1,695 MHz |
/// | 8.9 | | 1,024 | *Ada architecture whitepaper*, RTX 4090: 660.6 TOPS, 128, 2,520 MHz |
/// | 9.0 | | 4,096 | *H100 architecture whitepaper*, SXM5: 1,978.9 TOPS, 132, 1,830 MHz |
/// | 12.0 | | 1,024 | *RTX Blackwell architecture whitepaper*, RTX 5090: 838 TOPS, 170, 2,407 MHz |
///
/// All of them are dense: sparsity would double them and is of no use here. Rates of 8-bit tensor
/// operations are the same on GeForce cards as on others of a chip: what the whitepapers' tables
/// halve for GeForce cards are 16-bit floats with 32-bit sums. But a name can tell of less:
/// - capability 7.5 without tensor cores: GTX 16, MX, T400 to T1200. Only cards called RTX, and the
///   T4, are known to have them.
/// - L40: its datasheet says 362 TOPS with 142 multiprocessors at 2,490 MHz, which is 512.
/// - CMP cards, L2, L20, L40G, H20, RTX 5090 D: sold with less than the chip can do, by how much is
///   published for no multiprocessor.
///
/// What is not in the table is `None`, not guessed: NVIDIA publishes no rate of `dp4a` for chips
/// with tensor cores, and none by multiprocessor and clock for capability 10.x.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ceiling {
    /// With `dp4a`.
    pub dp4a: Option<u64>,
    /// With tensor cores.
    pub tensor: Option<u64>,
}

/// Products per clock and multiprocessor.
#[derive(Clone, Copy)]
struct Rates {
    dp4a: Option<u64>,
    tensor: Option<u64>,
}

const UNKNOWN: Rates = Rates {
    dp4a: None,
    tensor: None,
};

impl Ceiling {
    /// Of a device as its driver describes it.
    pub fn of(device: &DeviceInfo) -> Self {
        let rates = rates(device.capability, &device.name);
        let clock = u64::from(device.clock_khz).checked_mul(1_000);
        let clock = clock.filter(|clock| *clock > 0);
        let whole = |rate: Option<u64>| {
            rate?
                .checked_mul(device.processors.into())?
                .checked_mul(clock?)
        };
        Self {
            dp4a: whole(rates.dp4a),
            tensor: whole(rates.tensor),
        }
    }

    /// The device's own: with tensor cores where it has them.
    pub fn best(self) -> Option<u64> {
        self.tensor.max(self.dp4a)
    }
}

fn rates(capability: (u32, u32), name: &str) -> Rates {
    let dp4a = |rate| Rates {
        dp4a: Some(rate),
        ..UNKNOWN
    };
    let tensor = |rate| Rates {
        tensor: Some(rate),
        ..UNKNOWN
    };
    let has = |word: &str| name.split_whitespace().any(|other| other == word);
    let limited = ["CMP", "L2", "L20", "L40G", "H20"].into_iter().any(has);
    if limited || (has("5090") && has("D")) {
        return UNKNOWN;
    }
    match capability {
        (6, 1) => dp4a(512),
        (7, 0) => dp4a(256),
        (7, 5) if has("RTX") || has("T4") => tensor(1_024),
        (8, 0) => tensor(2_048),
        (8, 6) => tensor(1_024),
        (8, 9) if has("L40") => tensor(512),
        (8, 9) => tensor(1_024),
        (9, 0) => tensor(4_096),
        (12, 0) => tensor(1_024),
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str, capability: (u32, u32), processors: u32, mhz: u32) -> DeviceInfo {
        DeviceInfo {
            index: 0,
            uuid: [0; 16],
            name: name.into(),
            capability,
            processors,
            memory_bytes: 1 << 33,
            driver: 12_040,
            clock_khz: mhz * 1_000,
        }
    }

    #[test]
    fn every_line_gives_what_nvidia_publishes_for_a_device() {
        // Tera-operations a second; a multiply-accumulate is two.
        let published = [
            (device("Tesla P40", (6, 1), 30, 1_531), 47.0),
            (device("Tesla V100-SXM2-16GB", (7, 0), 80, 1_530), 62.0),
            (
                device("NVIDIA GeForce RTX 2080 Ti", (7, 5), 68, 1_545),
                215.2,
            ),
            (device("Tesla T4", (7, 5), 40, 1_590), 130.0),
            (device("NVIDIA A100-SXM4-80GB", (8, 0), 108, 1_410), 624.0),
            (device("NVIDIA GeForce RTX 3090", (8, 6), 82, 1_695), 284.0),
            (device("NVIDIA A40", (8, 6), 84, 1_740), 299.3),
            (device("NVIDIA GeForce RTX 4090", (8, 9), 128, 2_520), 660.6),
            (device("NVIDIA L40", (8, 9), 142, 2_490), 362.0),
            (device("NVIDIA H100 80GB HBM3", (9, 0), 132, 1_830), 1_978.9),
            (
                device("NVIDIA GeForce RTX 5090", (12, 0), 170, 2_407),
                838.0,
            ),
        ];
        for (device, tops) in published {
            let macs = Ceiling::of(&device).best().unwrap() as f64;
            let ratio = macs * 2.0 / 1e12 / tops;
            assert!((ratio - 1.0).abs() < 0.015, "{}: {ratio}", device.name);
        }
    }

    #[test]
    fn what_is_not_known_is_no_figure() {
        let unknown = [
            device("NVIDIA Tegra X2", (6, 2), 2, 1_300),
            device("NVIDIA GeForce GTX 1660 Ti", (7, 5), 24, 1_770),
            device("NVIDIA T400 4GB", (7, 5), 6, 1_425),
            device("NVIDIA CMP 170HX", (8, 0), 70, 1_410),
            device("NVIDIA L20", (8, 9), 92, 2_520),
            device("NVIDIA H20", (9, 0), 78, 1_980),
            device("NVIDIA B200", (10, 0), 148, 1_965),
            device("NVIDIA GeForce RTX 5090 D", (12, 0), 170, 2_407),
            device("Something new", (13, 0), 200, 3_000),
            device("A driver without clocks", (8, 6), 82, 0),
        ];
        for device in unknown {
            assert_eq!(Ceiling::of(&device).best(), None, "{}", device.name);
        }
    }
}
