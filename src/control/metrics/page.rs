//! Prometheus's text format.

use std::fmt::{Display, Write as _};

/// The text, and the metric that samples belong to.
#[derive(Default)]
pub(super) struct Page {
    pub text: String,
    metric: String,
}

// Writing into a String cannot fail, so the results of `write!` are dropped below.
impl Page {
    pub fn counter(&mut self, metric: &str, help: &str) {
        self.begin(metric, "counter", help);
    }

    pub fn gauge(&mut self, metric: &str, help: &str) {
        self.begin(metric, "gauge", help);
    }

    pub fn histogram(&mut self, metric: &str, help: &str) {
        self.begin(metric, "histogram", help);
    }

    fn begin(&mut self, metric: &str, kind: &str, help: &str) {
        let _ = writeln!(self.text, "# HELP {metric} {help}\n# TYPE {metric} {kind}");
        metric.clone_into(&mut self.metric);
    }

    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.sample_of("", labels, value);
    }

    /// One line of the metric, which has more than one kind of them: `_bucket`, `_sum`, `_count`.
    pub fn sample_of(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(&self.metric);
        self.text.push_str(suffix);
        for (index, (name, value)) in labels.iter().enumerate() {
            let _ = write!(self.text, "{}{name}=\"", if index == 0 { '{' } else { ',' });
            for letter in value.chars() {
                match letter {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    other => self.text.push(other),
                }
            }
            self.text.push('"');
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{end} {value}");
    }
}
