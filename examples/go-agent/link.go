package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	quic "github.com/lucas-clemente/quic-go"
	"github.com/vmihailenco/msgpack/v5"
)

const (
	maxHandshakeBytes = 512 << 10
	handshakeTimeout  = 10 * time.Second
)

// Codes of the protocol's error table.
const (
	noError          = 0x00
	internalError    = 0x01
	protocolError    = 0x10
	badMessagePack   = 0x12
	unknownType      = 0x13
	sessionUnknown   = 0x25
	heartbeatTimeout = 0x50
)

// A channel is a stream that several goroutines write whole messages to.
type channel struct {
	quic.Stream
	link  *link
	once  bool // for a single answer: its side is finished after that
	mutex sync.Mutex
}

func (c *channel) send(kind string, fields any, payload []byte) error {
	frame, err := encodeMessage(kind, fields, payload)
	if err != nil {
		return err
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if _, err = c.Write(frame); err == nil && c.once {
		err = c.Close() // FIN of our side
	}
	return err
}

// A link is one accepted connection to the coordinator.
type link struct {
	conn      quic.Connection
	control   *channel
	lane      *channel // the first that was opened: for answers whose own way is gone
	ack       agentAck
	work      *work
	lastHeard atomic.Int64 // milliseconds since 1970
}

// register does the handshake on a new connection and opens the lanes. The error is an errorReport when the coordinator said why.
func register(ctx context.Context, conn quic.Connection, hello agentHandshake, w *work) (*link, error) {
	l := &link{conn: conn, work: w}
	stream, err := conn.OpenStreamSync(ctx)
	if err != nil {
		return nil, err
	}
	l.control = &channel{Stream: stream, link: l}
	if err := l.control.send("AgentHandshake", hello, nil); err != nil {
		return nil, err
	}
	stream.SetReadDeadline(time.Now().Add(handshakeTimeout))
	answer, err := readMessage(stream, maxHandshakeBytes)
	if err != nil {
		return nil, err
	}
	stream.SetReadDeadline(time.Time{})
	switch answer.kind {
	case "AgentAck":
		err = msgpack.Unmarshal(answer.fields, &l.ack)
	case "ErrorReport":
		var report errorReport
		if err = msgpack.Unmarshal(answer.fields, &report); err == nil {
			err = report
		}
	default:
		err = fmt.Errorf("%s instead of AgentAck", answer.kind)
	}
	if err != nil {
		return nil, err
	}
	l.lastHeard.Store(time.Now().UnixMilli())
	for _, aborted := range l.ack.AbortedTasks {
		w.drop(aborted.TaskID, aborted.Epoch)
	}
	for _, assigned := range l.ack.AssignedStreams {
		if assigned.Purpose == "control" || assigned.Purpose == "bulk" {
			continue
		}
		stream, err := conn.OpenStreamSync(ctx)
		if err != nil {
			return nil, err
		}
		lane := &channel{Stream: stream, link: l}
		if err := lane.send("StreamOpen", streamOpen{assigned.Purpose}, nil); err != nil {
			return nil, err
		}
		if l.lane == nil {
			l.lane = lane
		}
		go l.read(lane)
	}
	if l.lane == nil {
		return nil, errors.New("the coordinator assigned no lane")
	}
	return l, nil
}

func (e errorReport) Error() string { return e.Name + ": " + e.Message }

// serve reads what comes and sends heartbeats until the connection is over; the error says why it is.
func (l *link) serve() error {
	go l.read(l.control)
	go l.acceptStreams()
	go l.beat()
	l.work.attach(l)
	<-l.conn.Context().Done()
	l.work.detach()
	_, err := l.conn.AcceptStream(context.Background()) // tells why it was closed
	return err
}

// acceptStreams takes the streams that the coordinator opens: each brings one task and takes its answer.
func (l *link) acceptStreams() {
	for {
		stream, err := l.conn.AcceptStream(context.Background())
		if err != nil {
			return
		}
		go l.read(&channel{Stream: stream, link: l, once: true})
	}
}

func (l *link) read(c *channel) {
	for {
		m, err := readMessage(c, uint32(l.ack.Configuration.MaxMessageBytes))
		var reset *quic.StreamError
		switch {
		case err == nil:
			l.lastHeard.Store(time.Now().UnixMilli())
			if err := l.receive(c, m); err != nil {
				l.control.send("ErrorReport", errorReport{Code: badMessagePack, Name: "BAD_MESSAGEPACK", Message: err.Error(), MessageType: m.kind}, nil)
			}
		case errors.Is(err, errBadMessage):
			l.control.send("ErrorReport", errorReport{Code: badMessagePack, Name: "BAD_MESSAGEPACK", Message: err.Error()}, nil)
		case errors.As(err, &reset):
			c.CancelWrite(reset.ErrorCode) // a task that did not arrive whole: nothing is to be answered
			return
		case errors.Is(err, io.EOF):
			if c == l.control {
				l.conn.CloseWithError(protocolError, "the control stream was ended")
			}
			return
		default:
			l.conn.CloseWithError(protocolError, err.Error())
			return
		}
	}
}

func (l *link) receive(c *channel, m message) error {
	switch m.kind {
	case "AgentTask":
		var task agentTask
		if err := msgpack.Unmarshal(m.fields, &task); err != nil {
			return err
		}
		l.work.start(task, m.payload, c)
	case "CancelTask":
		var cancel cancelTask
		if err := msgpack.Unmarshal(m.fields, &cancel); err != nil {
			return err
		}
		l.work.cancel(cancel.TaskID, cancel.Epoch)
	case "MessageAck":
		var ack messageAck
		if err := msgpack.Unmarshal(m.fields, &ack); err != nil {
			return err
		}
		if ack.Status == "processed" {
			l.work.settled(ack.TaskIDs)
		}
	case "ErrorReport":
		var report errorReport
		if err := msgpack.Unmarshal(m.fields, &report); err != nil {
			return err
		}
		l.refused(report)
	case "HeartbeatMessage", "DrainNotice":
		// heard; a draining coordinator sends no more tasks, what runs goes on
	default:
		return l.control.send("ErrorReport", errorReport{Code: unknownType, Name: "UNKNOWN_MESSAGE_TYPE", Message: "this agent does not know " + m.kind, MessageType: m.kind}, nil)
	}
	return nil
}

func (l *link) refused(report errorReport) {
	log.Printf("the coordinator reports %v", report)
	switch report.Name {
	case "STALE_LEASE", "TASK_FINISHED", "UNKNOWN_TASK":
		l.work.settled([]string{report.TaskID})
	case "STORE_UNAVAILABLE": // an answer that could not be stored now
		time.AfterFunc(time.Duration(report.RetryAfterMs+100)*time.Millisecond, func() { l.work.resend(report.TaskID) })
	}
}

// sendFor sends a message about a task: on the stream it came on, else on a lane, and what is large on a stream of its own.
func (l *link) sendFor(origin *channel, kind string, fields any, payload []byte) {
	way := l.lane
	if origin != nil && origin.link == l {
		way = origin
	}
	if kind == "TaskProgress" && way.once {
		way = l.control // a stream of its own takes the answer alone
	}
	if len(payload) > int(l.ack.Configuration.OwnStreamThresholdBytes) && !way.once {
		stream, err := l.conn.OpenStreamSync(l.conn.Context())
		if err != nil {
			return
		}
		way = &channel{Stream: stream, link: l}
		if err := way.send("StreamOpen", streamOpen{"bulk"}, nil); err != nil {
			return
		}
		way.once = true
		go io.Copy(io.Discard, stream) // nothing comes back but the end
	}
	if err := way.send(kind, fields, payload); err != nil && way != l.lane {
		l.lane.send(kind, fields, payload)
	}
}

// beat sends heartbeats, and closes the connection when nothing was heard for four of their intervals.
func (l *link) beat() {
	interval := time.Duration(l.ack.Configuration.HeartbeatIntervalMs * float64(time.Millisecond))
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for sequence := 1; ; sequence++ {
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		active := l.work.active()
		load := float64(active) / float64(*concurrency)
		if load > 1 {
			load = 1
		}
		l.control.send("HeartbeatMessage", heartbeat{sequence, time.Now().UnixMilli(), load, active, 0, memory.Sys}, nil)
		select {
		case <-l.conn.Context().Done():
			return
		case <-ticker.C:
		}
		if time.Since(time.UnixMilli(l.lastHeard.Load())) > 4*interval {
			l.conn.CloseWithError(heartbeatTimeout, "nothing was heard from the coordinator")
			return
		}
	}
}
