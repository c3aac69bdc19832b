//! Values of settings. All are read from text, whatever a layer writes them as, so that the file,
//! the environment and the flags take the same.

use mizan_client::units;
use serde::{
    de::{self, Deserializer, SeqAccess, Unexpected, Visitor},
    Deserialize,
};
use std::{
    fmt,
    marker::PhantomData,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

/// A value of a setting.
pub(super) trait Value: Sized {
    /// What is expected, for whoever wrote something else.
    const EXPECTED: &'static str;

    /// The value that a text stands for.
    fn from_text(text: &str) -> Option<Self>;

    /// The value that a list stands for.
    fn from_list(_list: Vec<String>) -> Option<Self> {
        None
    }
}

/// Memory for the tensors of all jobs at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Half of the machine's.
    Auto,
    /// So many bytes.
    Bytes(u64),
}

/// What computes jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceUse {
    /// The devices, or the processor if none can be used.
    Auto,
    /// The processor alone.
    Cpu,
    /// The devices; without one, the worker does not start.
    Cuda,
}

/// How fast an auditor computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speed {
    /// As it is measured.
    Auto,
    /// So many multiply-accumulates a second.
    Macs(u64),
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line, for machines.
    Json,
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bytes(pub(super) u64);
/// A number from one upwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count(pub(super) u64);
/// An amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Amount(pub(super) u128);
/// Addresses of blob servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Servers(pub(super) Vec<String>);
/// Numbers of devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Devices(pub(super) Vec<u32>);
/// A device's power in watts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Watts(pub(super) u32);
/// A device's temperature in degrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Celsius(pub(super) u32);
/// Where metrics are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listen(pub(super) SocketAddr);

impl Value for String {
    const EXPECTED: &'static str = "a text";

    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl Value for bool {
    const EXPECTED: &'static str = "true or false";

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Value for Bytes {
    const EXPECTED: &'static str = "a number of bytes, like 4294967296 or \"4 GiB\"";

    fn from_text(text: &str) -> Option<Self> {
        let digits = text.trim().trim_end_matches(|c: char| !c.is_ascii_digit());
        let unit = match text.trim().strip_prefix(digits)?.trim() {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "TiB" => 1 << 40,
            _ => return None,
        };
        digits.parse::<u64>().ok()?.checked_mul(unit).map(Self)
    }
}

impl Value for Memory {
    const EXPECTED: &'static str = "auto, or a number of bytes like \"8 GiB\"";

    fn from_text(text: &str) -> Option<Self> {
        if text.trim() == "auto" {
            return Some(Self::Auto);
        }
        Bytes::from_text(text).map(|bytes| Self::Bytes(bytes.0))
    }
}

impl Value for DeviceUse {
    const EXPECTED: &'static str = "auto, cpu or cuda";

    fn from_text(text: &str) -> Option<Self> {
        match text.trim() {
            "auto" => Some(Self::Auto),
            "cpu" => Some(Self::Cpu),
            "cuda" => Some(Self::Cuda),
            _ => None,
        }
    }
}

impl Value for Devices {
    const EXPECTED: &'static str =
        "a list of numbers of devices, like [0, 1], or one text with commas between";

    fn from_text(text: &str) -> Option<Self> {
        Self::from_list(text.split(',').map(str::to_owned).collect())
    }

    fn from_list(list: Vec<String>) -> Option<Self> {
        let numbers = list.iter().map(|number| number.trim().parse().ok());
        numbers.collect::<Option<_>>().map(Self)
    }
}

impl Value for Watts {
    const EXPECTED: &'static str = "watts from 10 to 2000";

    fn from_text(text: &str) -> Option<Self> {
        let watts = text.trim().parse().ok()?;
        (10..=2_000).contains(&watts).then_some(Self(watts))
    }
}

impl Value for Celsius {
    const EXPECTED: &'static str = "degrees Celsius from 30 to 110";

    fn from_text(text: &str) -> Option<Self> {
        let celsius = text.trim().parse().ok()?;
        (30..=110).contains(&celsius).then_some(Self(celsius))
    }
}

impl Value for Speed {
    const EXPECTED: &'static str = "auto, or a number of multiply-accumulates a second";

    fn from_text(text: &str) -> Option<Self> {
        if text.trim() == "auto" {
            return Some(Self::Auto);
        }
        Count::from_text(text).map(|count| Self::Macs(count.0))
    }
}

impl Value for Count {
    const EXPECTED: &'static str = "a number from 1 upwards";

    fn from_text(text: &str) -> Option<Self> {
        let count = text.trim().parse().ok().filter(|count| *count > 0)?;
        Some(Self(count))
    }
}

impl Value for Amount {
    const EXPECTED: &'static str = "an amount of money, like \"0.01 MZN\"";

    fn from_text(text: &str) -> Option<Self> {
        units::parse_amount(text).ok().map(Self)
    }
}

impl Value for LogFormat {
    const EXPECTED: &'static str = "text or json";

    fn from_text(text: &str) -> Option<Self> {
        match text.trim() {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

impl Value for Listen {
    const EXPECTED: &'static str = "an address and a port, like \"127.0.0.1:9615\"";

    fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        // A port alone must not open the worker to the network.
        let port = text.parse().map(|port| (Ipv4Addr::LOCALHOST, port).into());
        port.or_else(|_| text.parse()).ok().map(Self)
    }
}

impl Value for Servers {
    const EXPECTED: &'static str =
        "a list of addresses that start with http:// or https://, or one text with commas between";

    fn from_text(text: &str) -> Option<Self> {
        let servers = text.split(',').map(str::trim);
        Self::from_list(
            servers
                .filter(|server| !server.is_empty())
                .map(str::to_owned)
                .collect(),
        )
    }

    fn from_list(list: Vec<String>) -> Option<Self> {
        let is_address = |server: &String| {
            let host = ["http://", "https://"]
                .iter()
                .find_map(|scheme| server.strip_prefix(scheme));
            host.is_some_and(|host| !host.is_empty() && !host.contains(char::is_whitespace))
        };
        list.iter().all(is_address).then_some(Self(list))
    }
}

/// What a layer has for a setting.
pub(super) struct Read<T>(pub(super) T);

impl<'d, T: Value> Deserialize<'d> for Read<T> {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader(PhantomData)).map(Read)
    }
}

struct Reader<T>(PhantomData<T>);

impl<T: Value> Reader<T> {
    fn read<E: de::Error>(&self, text: &str, found: Unexpected<'_>) -> Result<T, E> {
        T::from_text(text).ok_or_else(|| E::invalid_value(found, self))
    }
}

impl<'d, T: Value> Visitor<'d> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        self.read(text, Unexpected::Str(text))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<T, E> {
        self.read(&value.to_string(), Unexpected::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<T, E> {
        self.read(&value.to_string(), Unexpected::Signed(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<T, E> {
        self.read(&value.to_string(), Unexpected::Unsigned(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<T, E> {
        self.read(&value.to_string(), Unexpected::Float(value))
    }

    fn visit_seq<A: SeqAccess<'d>>(self, mut items: A) -> Result<T, A::Error> {
        let mut list = Vec::new();
        while let Some(Read(item)) = items.next_element::<Read<String>>()? {
            list.push(item);
        }
        T::from_list(list).ok_or_else(|| de::Error::invalid_value(Unexpected::Seq, &self))
    }
}

/// Whether a server that listens there can be reached from other machines.
pub(super) fn is_public(address: &SocketAddr) -> bool {
    match address.ip() {
        IpAddr::V4(ip) => !ip.is_loopback(),
        IpAddr::V6(ip) => !ip.is_loopback(),
    }
}

/// A number of bytes for people.
pub(super) fn format_bytes(bytes: u64) -> String {
    let units = [
        (1u64 << 40, "TiB"),
        (1 << 30, "GiB"),
        (1 << 20, "MiB"),
        (1 << 10, "KiB"),
    ];
    match units
        .iter()
        .find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit))
    {
        Some((unit, name)) => format!("{} {name}", bytes / unit),
        None => bytes.to_string(),
    }
}
