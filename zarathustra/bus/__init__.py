"""Records in and out: Apache Kafka, and the same in memory."""
