"""What several services' tests share: clocks, a bus that records, a runtime, brokers, stacks, the outside world."""
