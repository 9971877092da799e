"""What the service is measured against: an application that does nothing."""
