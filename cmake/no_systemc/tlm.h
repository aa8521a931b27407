#error "models/parts must not include SystemC: a part is clockless; put the clock in a device"
