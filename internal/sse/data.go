package sse

// data gathers the lines of an event's data. A single line stays where it was read, as long as nothing moves there.
type data struct {
	lines int
	only  []byte // the only line, in the buffer that it was read into
	own   []byte // several lines, or one that had to move
}

// add takes one more line in.
func (d *data) add(line []byte, limit int64) error {
	d.lines++
	if d.lines == 1 {
		d.only = line
		return nil
	}
	d.keep()
	if int64(len(d.own))+1+int64(len(line)) > limit {
		return &TooLarge{What: "an event of the stream", Limit: limit}
	}
	d.own = append(append(d.own, '\n'), line...)
	return nil
}

// keep copies what will be overwritten.
func (d *data) keep() {
	if d.only != nil {
		d.own, d.only = append(d.own[:0], d.only...), nil
	}
}

// take ends an event. What it returns is valid until the next line is added; it reports whether there was a line.
func (d *data) take() ([]byte, bool) {
	all, some := d.only, d.lines > 0
	if all == nil {
		all = d.own
	}
	d.only, d.lines = nil, 0
	if d.own = d.own[:0]; cap(d.own) > bufferSize {
		d.own = nil // one large event is not kept for the many small ones
	}
	return all, some
}
