enum LabTestingPlaceholder: Sendable {}
