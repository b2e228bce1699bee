//! Families of samples, and their text.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use std::fmt;

/// Names and values of labels.
pub(super) type Labels = Vec<(&'static str, String)>;

/// The value of a sample.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Counter(f64),
    Gauge(f64),
    /// The sum, and how many values lie up to each bound and above the one before.
    Histogram(f64, Vec<(f64, u64)>),
}

impl Value {
    fn metric_type(&self) -> MetricType {
        match self {
            Value::Counter(_) => MetricType::Counter,
            Value::Gauge(_) => MetricType::Gauge,
            Value::Histogram(..) => MetricType::Histogram,
        }
    }

    fn encode(&self, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        match self {
            Value::Counter(n) => encoder.encode_counter::<NoLabelSet, f64, f64>(n, None),
            Value::Gauge(n) => encoder.encode_gauge(n),
            Value::Histogram(sum, buckets) => {
                let count = buckets.iter().map(|(_, count)| count).sum();
                encoder.encode_histogram::<NoLabelSet>(*sum, count, buckets, None)
            }
        }
    }
}

/// Samples of one name.
#[derive(Clone, Debug)]
struct Family {
    name: &'static str,
    help: &'static str,
    samples: Vec<(Labels, Value)>,
}

/// All of a page, in the order in which the names came.
#[derive(Clone, Debug, Default)]
pub(super) struct Families(Vec<Family>);

impl Families {
    /// Adds a sample. Counters are named without `_total`, which their text gets.
    pub(super) fn add(&mut self, name: &'static str, help: &'static str, labels: Labels, value: Value) {
        match self.0.iter_mut().find(|family| family.name == name) {
            Some(family) => family.samples.push((labels, value)),
            None => self.0.push(Family { name, help, samples: vec![(labels, value)] }),
        }
    }

    pub(super) fn gauge(&mut self, name: &'static str, help: &'static str, labels: Labels, value: f64) {
        self.add(name, help, labels, Value::Gauge(value));
    }

    pub(super) fn counter(&mut self, name: &'static str, help: &'static str, labels: Labels, value: f64) {
        self.add(name, help, labels, Value::Counter(value));
    }

    pub(super) fn text(self) -> String {
        let (mut text, mut registry) = (String::new(), Registry::default());
        registry.register_collector(Box::new(self));
        // Writing to a String cannot fail.
        let _ = text::encode(&mut text, &registry);
        text
    }
}

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for Family { name, help, samples } in &self.0 {
            let Some((_, first)) = samples.first() else { continue };
            let mut family = encoder.encode_descriptor(name, help, None, first.metric_type())?;
            for (labels, value) in samples {
                match labels.is_empty() {
                    true => value.encode(&mut family)?,
                    false => value.encode(&mut family.encode_family(labels)?)?,
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_that_of_openmetrics() {
        let mut families = Families::default();
        families.gauge("up", "Whether it runs.", Vec::new(), 1.0);
        families.counter("calls", "Calls.", vec![("cmd", "x\"y\n".to_owned())], 3.0);
        families.counter("calls", "Calls.", vec![("cmd", "b".to_owned())], 4.0);
        let buckets = vec![(0.5, 2), (1.0, 0), (f64::INFINITY, 1)];
        families.add("seconds", "Time.", Vec::new(), Value::Histogram(1.5, buckets));
        let expected = "# HELP up Whether it runs.\n# TYPE up gauge\nup 1.0\n\
            # HELP calls Calls.\n# TYPE calls counter\ncalls_total{cmd=\"x\\\"y\\n\"} 3.0\ncalls_total{cmd=\"b\"} 4.0\n\
            # HELP seconds Time.\n# TYPE seconds histogram\nseconds_sum 1.5\nseconds_count 3\n\
            seconds_bucket{le=\"0.5\"} 2\nseconds_bucket{le=\"1.0\"} 2\nseconds_bucket{le=\"+Inf\"} 3\n# EOF\n";
        assert_eq!(families.text(), expected);
    }
}
