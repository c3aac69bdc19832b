//! Times of day.

use super::values::Value;
use std::{fmt, str::FromStr, time::Duration};

/// Minutes of a day.
const DAY: u32 = 24 * 60;

/// Ranges of times of day, each from its first minute until just before its last. One whose end
/// is not after its beginning goes over midnight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours(Vec<Range>);

/// Minutes after midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    from: u32,
    /// Up to that of the day's end.
    to: u32,
}

impl Range {
    fn contains(self, minute: u32) -> bool {
        match self.from < self.to {
            true => (self.from..self.to).contains(&minute),
            false => minute >= self.from || minute < self.to,
        }
    }
}

impl Hours {
    fn contains(&self, minute: u32) -> bool {
        self.0.iter().any(|range| range.contains(minute))
    }

    /// For how long they last from that time after midnight on, across ranges that meet; zero
    /// outside of them, and at most a day. Times beyond a day are of the next.
    pub fn left(&self, after_midnight: Duration) -> Duration {
        let seconds = after_midnight.as_secs() % u64::from(DAY * 60);
        // Less than there are minutes in a day.
        let minute = (seconds / 60) as u32;
        let whole = (0..DAY).take_while(|later| self.contains((minute + later) % DAY));
        let minutes = Duration::from_secs(60 * whole.count() as u64);
        minutes.saturating_sub(Duration::from_secs(seconds % 60))
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Range { from, to }) in self.0.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let (from_hour, from_minute) = (from / 60, from % 60);
            let (to_hour, to_minute) = (to / 60, to % 60);
            write!(
                f,
                "{comma}{from_hour:02}:{from_minute:02}-{to_hour:02}:{to_minute:02}"
            )?;
        }
        Ok(())
    }
}

impl FromStr for Range {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (from, to) = text.split_once('-').ok_or(())?;
        let (from, to) = (minute(from).ok_or(())?, minute(to).ok_or(())?);
        // One that is empty, or the whole day, is likely to be an error.
        let is_range = from != to && from != DAY && (from, to) != (0, DAY);
        is_range.then_some(Self { from, to }).ok_or(())
    }
}

/// Minutes after midnight of a time like 8:05; 24:00 is the day's end.
fn minute(text: &str) -> Option<u32> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |digits: &str| -> Option<u32> {
        let are_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| are_digits)
    };
    if hour.len() > 2 || minute.len() != 2 {
        return None;
    }
    let (hour, minute) = (number(hour)?, number(minute)?);
    let after_midnight = hour * 60 + minute;
    (minute < 60 && after_midnight <= DAY).then_some(after_midnight)
}

impl FromStr for Hours {
    type Err = NoHours;

    fn from_str(text: &str) -> Result<Self, NoHours> {
        Self::from_text(text).ok_or(NoHours)
    }
}

/// A text is no ranges of times of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {}", Hours::EXPECTED)]
pub struct NoHours;

impl Value for Hours {
    const EXPECTED: &'static str =
        "ranges of times of day, like \"22:00-08:00\", with commas between, none of them empty or \
         the whole day";

    fn from_text(text: &str) -> Option<Self> {
        Self::from_list(text.split(',').map(str::to_owned).collect())
    }

    fn from_list(list: Vec<String>) -> Option<Self> {
        let ranges = list.iter().map(|range| range.trim().parse().ok());
        let ranges: Vec<_> = ranges.collect::<Option<_>>()?;
        (!ranges.is_empty()).then_some(Self(ranges))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(text: &str) -> Hours {
        Hours::from_text(text).unwrap()
    }

    /// For how many minutes they last from a time on.
    fn left(text: &str, at: &str) -> u64 {
        let at = Duration::from_secs(u64::from(minute(at).unwrap()) * 60);
        hours(text).left(at).as_secs() / 60
    }

    #[test]
    fn a_range_lasts_from_its_first_minute_until_before_its_last() {
        let table = [
            ("09:00-17:30", "08:59", 0),
            ("09:00-17:30", "09:00", 510),
            ("09:00-17:30", "17:29", 1),
            ("09:00-17:30", "17:30", 0),
            ("22:00-24:00", "23:59", 1),
            ("22:00-24:00", "0:00", 0),
        ];
        for (text, at, minutes) in table {
            assert_eq!(left(text, at), minutes, "{text} at {at}");
        }
    }

    #[test]
    fn a_range_goes_over_midnight() {
        let table = [
            ("21:59", 0),
            ("22:00", 600),
            ("23:59", 481),
            ("0:00", 480),
            ("07:59", 1),
            ("8:00", 0),
        ];
        for (at, minutes) in table {
            assert_eq!(left("22:00-08:00", at), minutes, "{at}");
        }
    }

    #[test]
    fn ranges_that_meet_are_one_and_may_last_for_ever() {
        assert_eq!(left("12:00-13:00,22:00-08:00", "12:59"), 1);
        assert_eq!(left("22:00-24:00,00:00-08:00", "23:00"), 540);
        assert_eq!(left("06:00-18:00,17:00-07:00", "03:00"), 24 * 60);
    }

    #[test]
    fn seconds_count() {
        let almost = Duration::from_secs(17 * 60 * 60 - 1);
        assert_eq!(hours("9:00-17:00").left(almost), Duration::from_secs(1));
        let next_day = almost + Duration::from_secs(24 * 60 * 60);
        assert_eq!(hours("9:00-17:00").left(next_day), Duration::from_secs(1));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        let table = [
            "",
            "8",
            "8-9",
            "08:00",
            "08:00-",
            "08:00-08:00",
            "00:00-24:00",
            "24:00-08:00",
            "08:60-09:00",
            "24:01-08:00",
            "25:00-08:00",
            "+8:00-09:00",
            "08:0-09:00",
            "008:00-09:00",
            "08:00-09:00,",
            "08:00-09:00;10:00-11:00",
        ];
        for text in table {
            assert_eq!(Hours::from_text(text), None, "{text}");
        }
        assert_eq!(Hours::from_list(Vec::new()), None);
    }

    #[test]
    fn hours_are_shown_as_they_are_written() {
        let text = "22:00-08:05,12:30-24:00";
        assert_eq!(hours(text).to_string(), text);
        assert_eq!(hours(" 9:00 - 10:00 ").to_string(), "09:00-10:00");
    }
}
