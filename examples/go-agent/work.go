package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// A job is one lease: it runs, then its answer is kept until the coordinator says that it is stored.
type job struct {
	lease
	kind      string
	stop      context.CancelFunc
	cancelled bool
	origin    *channel // the stream it came on; the answer goes back there while that is open
	answer    *taskCompletion
	result    []byte // the payload of the answer; nil when there is none
}

// work holds the leases of this agent by task id, over connections that come and go.
type work struct {
	mutex   sync.Mutex
	jobs    map[string]*job
	running int
	link    *link         // nil while there is no connection
	changed chan struct{} // something ended
}

func newWork() *work {
	return &work{jobs: map[string]*job{}, changed: make(chan struct{}, 1)}
}

// start runs a task. A newer lease of a task takes the place of the older one; what is known already is not run again.
func (w *work) start(task agentTask, input []byte, origin *channel) {
	ctx, stop := context.WithTimeout(context.Background(), time.Duration(task.TimeoutMs*float64(time.Millisecond)))
	j := &job{lease: task.lease, kind: task.Kind, stop: stop, origin: origin}
	w.mutex.Lock()
	if known := w.jobs[task.TaskID]; known != nil {
		if known.Epoch >= task.Epoch {
			w.mutex.Unlock()
			stop()
			return
		}
		known.stop()
	}
	w.jobs[task.TaskID] = j
	w.running++
	w.mutex.Unlock()
	go w.run(ctx, j, input)
}

func (w *work) run(ctx context.Context, j *job, input []byte) {
	defer j.stop()
	log.Printf("started %s, attempt %v of %s", j.kind, j.Attempt, j.TaskID)
	began := time.Now()
	value, err := handle(ctx, j.kind, input, func(fraction float64) {
		// told to whoever is there; nothing depends on it
		w.send(j, "TaskProgress", taskProgress{j.TaskID, j.Epoch, fraction}, nil)
	})
	var result []byte
	if err == nil {
		result, err = msgpack.Marshal(value)
	}
	answer := &taskCompletion{lease: j.lease, Outcome: "completed", RunMs: float64(time.Since(began)) / 1e6}

	w.mutex.Lock()
	var bad badInput
	switch {
	case err == nil:
		j.result = result
	case j.cancelled:
		answer.Outcome = "cancelled"
	case errors.Is(err, context.DeadlineExceeded):
		answer.Outcome, answer.Error = "failed", &taskError{"TASK_TIMEOUT", "the time of the attempt is over", true}
	case errors.As(err, &bad):
		answer.Outcome, answer.Error = "failed", &taskError{"BAD_INPUT", bad.problem, false}
	default:
		answer.Outcome, answer.Error = "failed", &taskError{"HANDLER_FAILED", err.Error(), true}
	}
	w.running--
	j.answer = answer
	wanted := w.jobs[j.TaskID] == j
	w.mutex.Unlock()
	log.Printf("%s %s, attempt %v of %s", answer.Outcome, j.kind, j.Attempt, j.TaskID)
	if wanted {
		w.send(j, "TaskCompletion", answer, result)
	}
}

// handle calls the handler of a kind; a panic in it fails the task and not the agent.
func handle(ctx context.Context, kind string, input []byte, progress func(float64)) (value any, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("the handler panicked: %v", problem)
		}
	}()
	do, ok := handlers[kind]
	if !ok {
		return nil, badInput{"this agent does not take the kind '" + kind + "'"}
	}
	return do(ctx, input, progress)
}

// send brings a message about a job to the coordinator, if there is a connection. An answer that does not arrive stays
// here and is sent again on the next one.
func (w *work) send(j *job, kind string, fields any, payload []byte) {
	w.mutex.Lock()
	l, origin := w.link, j.origin
	w.mutex.Unlock()
	if l != nil {
		l.sendFor(origin, kind, fields, payload)
	}
}

// cancel stops a job; its answer says that it was cancelled, unless it ends before that is noticed. Epoch 0: any.
func (w *work) cancel(taskID string, epoch float64) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if j := w.jobs[taskID]; j != nil && (epoch == 0 || epoch == j.Epoch) {
		j.cancelled = true
		j.stop()
	}
}

func (w *work) cancelAll() {
	for _, held := range w.leases() {
		w.cancel(held.TaskID, held.Epoch)
	}
}

// drop forgets a job: its answer is settled, or nobody wants it any more.
func (w *work) drop(taskID string, epoch float64) {
	w.mutex.Lock()
	if j := w.jobs[taskID]; j != nil && epoch == j.Epoch {
		j.stop()
		delete(w.jobs, taskID)
	}
	w.mutex.Unlock()
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// settled: the answers of these tasks are stored, or refused for good. A newer lease that still runs is not meant.
func (w *work) settled(taskIDs []string) {
	for _, id := range taskIDs {
		w.mutex.Lock()
		j := w.jobs[id]
		answered := j != nil && j.answer != nil
		w.mutex.Unlock()
		if answered {
			w.drop(id, j.Epoch)
		}
	}
}

// leases lists all that is running or whose answer is not known to be stored.
func (w *work) leases() []lease {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	held := make([]lease, 0, len(w.jobs))
	for _, j := range w.jobs {
		held = append(held, j.lease)
	}
	return held
}

// attach makes a connection the one that answers go to, and sends those again that are still here.
func (w *work) attach(l *link) {
	w.mutex.Lock()
	w.link = l
	var answered []*job
	for _, j := range w.jobs {
		if j.answer != nil {
			answered = append(answered, j)
		}
	}
	w.mutex.Unlock()
	for _, j := range answered {
		w.send(j, "TaskCompletion", j.answer, j.result)
	}
}

func (w *work) resend(taskID string) {
	w.mutex.Lock()
	j := w.jobs[taskID]
	answered := j != nil && j.answer != nil
	w.mutex.Unlock()
	if answered {
		w.send(j, "TaskCompletion", j.answer, j.result)
	}
}

func (w *work) detach() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.link = nil
}

func (w *work) active() int {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.running
}
