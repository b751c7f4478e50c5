"""Send and receive records: on Apache Kafka, or in memory."""
