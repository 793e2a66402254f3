package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/vmihailenco/msgpack/v5"
)

// The messages this agent sends or reads, with the fields it uses. Numbers are float64 where the protocol allows them to
// pass 2^32: a sender may write such an integer as a float, and this type reads both.

type lease struct {
	TaskID  string  `msgpack:"taskId"`
	Attempt float64 `msgpack:"attempt"`
	Epoch   float64 `msgpack:"epoch"`
}

type agentHandshake struct {
	ProtocolVersions []int    `msgpack:"protocolVersions"`
	AgentID          string   `msgpack:"agentId"`
	AgentType        string   `msgpack:"agentType"`
	Kinds            []string `msgpack:"kinds"`
	Concurrency      int      `msgpack:"concurrency"`
	Software         string   `msgpack:"software"`
	JoinToken        string   `msgpack:"joinToken,omitempty"`
	SessionToken     string   `msgpack:"sessionToken,omitempty"`
	Leases           []lease  `msgpack:"leases,omitempty"`
}

type agentAck struct {
	CoordinatorID   string `msgpack:"coordinatorId"`
	SessionToken    string `msgpack:"sessionToken"`
	Resumed         bool   `msgpack:"resumed"`
	AssignedStreams []struct {
		Purpose string `msgpack:"purpose"`
	} `msgpack:"assignedStreams"`
	Configuration struct {
		HeartbeatIntervalMs     float64 `msgpack:"heartbeatIntervalMs"`
		MaxMessageBytes         float64 `msgpack:"maxMessageBytes"`
		OwnStreamThresholdBytes float64 `msgpack:"ownStreamThresholdBytes"`
	} `msgpack:"configuration"`
	AbortedTasks []lease `msgpack:"abortedTasks"`
}

type streamOpen struct {
	Purpose string `msgpack:"purpose"`
}

type heartbeat struct {
	Sequence    int     `msgpack:"sequence"`
	SentAt      int64   `msgpack:"sentAt"`
	Load        float64 `msgpack:"load"`
	ActiveTasks int     `msgpack:"activeTasks"`
	QueuedTasks int     `msgpack:"queuedTasks"`
	MemoryBytes uint64  `msgpack:"memoryBytes"`
}

type agentTask struct {
	lease     `msgpack:",inline"`
	Kind      string  `msgpack:"kind"`
	TimeoutMs float64 `msgpack:"timeoutMs"`
}

type cancelTask struct {
	TaskID string  `msgpack:"taskId"`
	Epoch  float64 `msgpack:"epoch"`
}

type taskProgress struct {
	TaskID   string  `msgpack:"taskId"`
	Epoch    float64 `msgpack:"epoch"`
	Fraction float64 `msgpack:"fraction"`
}

type taskError struct {
	Name      string `msgpack:"name"`
	Message   string `msgpack:"message"`
	Retryable bool   `msgpack:"retryable"`
}

type taskCompletion struct {
	lease   `msgpack:",inline"`
	Outcome string     `msgpack:"outcome"`
	RunMs   float64    `msgpack:"runMs"`
	Error   *taskError `msgpack:"error,omitempty"`
}

type messageAck struct {
	Status  string   `msgpack:"status"`
	TaskIDs []string `msgpack:"taskIds"`
}

type errorReport struct {
	Code         int     `msgpack:"code"`
	Name         string  `msgpack:"name"`
	Message      string  `msgpack:"message"`
	MessageType  string  `msgpack:"messageType,omitempty"`
	TaskID       string  `msgpack:"taskId,omitempty"`
	RetryAfterMs float64 `msgpack:"retryAfterMs,omitempty"`
}

type drainNotice struct {
	Reason     string  `msgpack:"reason"`
	DeadlineMs float64 `msgpack:"deadlineMs"`
}

// message is what a frame holds: [type, fields] or [type, fields, payload].
type message struct {
	kind    string
	fields  msgpack.RawMessage
	payload []byte
}

// errBadMessage: the body of a frame is no message; the next frame may be one.
var errBadMessage = errors.New("not a message")

// readMessage reads one frame. io.EOF between two frames is the end of the stream; any other error but errBadMessage
// means that the boundaries of frames are lost.
func readMessage(stream io.Reader, limit uint32) (message, error) {
	var header [4]byte
	if _, err := io.ReadFull(stream, header[:]); err != nil {
		return message{}, err
	}
	length := binary.BigEndian.Uint32(header[:])
	if length == 0 || length > limit {
		return message{}, fmt.Errorf("a frame of %d bytes, 1 to %d are allowed", length, limit)
	}
	var body bytes.Buffer // grows with what arrives, not by the length that was claimed
	if _, err := io.CopyN(&body, stream, int64(length)); err != nil {
		return message{}, io.ErrUnexpectedEOF
	}
	return decodeMessage(body.Bytes())
}

func decodeMessage(body []byte) (message, error) {
	var m message
	rest := bytes.NewReader(body)
	decoder := msgpack.NewDecoder(rest)
	parts, err := decoder.DecodeArrayLen()
	if err == nil && parts != 2 && parts != 3 {
		err = fmt.Errorf("%d parts", parts)
	}
	if err == nil {
		m.kind, err = decoder.DecodeString()
	}
	if err == nil {
		m.fields, err = decoder.DecodeRaw()
	}
	if err == nil && parts == 3 {
		m.payload, err = decoder.DecodeBytes()
	}
	if err != nil || rest.Len() > 0 {
		return m, errBadMessage
	}
	return m, nil
}

// encodeMessage makes a whole frame. Without a payload (nil) the third part is left out.
func encodeMessage(kind string, fields any, payload []byte) ([]byte, error) {
	var frame bytes.Buffer
	frame.Write(make([]byte, 4)) // the length, known at the end
	encoder := msgpack.NewEncoder(&frame)
	encoder.UseCompactInts(true)
	parts := 2
	if payload != nil {
		parts = 3
	}
	err := encoder.EncodeArrayLen(parts)
	if err == nil {
		err = encoder.EncodeString(kind)
	}
	if err == nil {
		err = encoder.Encode(fields)
	}
	if err == nil && payload != nil {
		err = encoder.EncodeBytes(payload)
	}
	binary.BigEndian.PutUint32(frame.Bytes(), uint32(frame.Len()-4))
	return frame.Bytes(), err
}
