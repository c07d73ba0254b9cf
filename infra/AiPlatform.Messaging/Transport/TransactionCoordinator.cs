using System.Collections.Concurrent;
using System.Transactions;
using Amqp;
using Amqp.Framing;
using Amqp.Transactions;

namespace AiPlatform.Messaging.Transport;

/// <summary>
/// Joins sends and settlements to the ambient <see cref="Transaction"/>: declares one at the broker when it is first used in it,
/// and commits or rolls it back when the ambient one ends.
/// </summary>
internal sealed class TransactionCoordinator : IAsyncDisposable
{
    private readonly RetryRunner _retry;
    private readonly RecoverableLink<SenderLink> _link;
    private readonly ConcurrentDictionary<string, Lazy<Task<byte[]>>> _declared = new(StringComparer.Ordinal);

    internal TransactionCoordinator(AmqpConnectionScope scope, RetryRunner retry)
    {
        _retry = retry;
        _link = new(scope.OpenCoordinatorAsync, static link => !link.IsClosed, static link => LinkOpening.CloseAsync(link.Session), retry.Options.TryTimeout, retry.Time);
    }

    /// <summary>The state of work that is done now: null outside a transaction.</summary>
    internal async Task<TransactionalState?> EnlistAsync(CancellationToken cancellationToken)
    {
        if (Transaction.Current is not { } ambient)
        {
            return null;
        }

        var key = ambient.TransactionInformation.LocalIdentifier;
        var declared = _declared.GetOrAdd(key, _ => new Lazy<Task<byte[]>>(() => DeclareAsync(ambient, key, cancellationToken)));
        return new TransactionalState { TxnId = await declared.Value };
    }

    public ValueTask DisposeAsync() => _link.DisposeAsync();

    private async Task<byte[]> DeclareAsync(Transaction ambient, string key, CancellationToken cancellationToken)
    {
        try
        {
            // A commit ends the scope's thread-bound work: nothing here may itself be part of the transaction.
            using var outside = new TransactionScope(TransactionScopeOption.Suppress, TransactionScopeAsyncFlowOption.Enabled);
            var id = await _retry.RunAsync(
                async token => await SendAsync(new Message(new Declare()), token) is Declared { TxnId: { } declared }
                    ? declared
                    : throw new ServiceBusException("The broker did not declare a transaction.", ServiceBusFailureReason.GeneralError),
                "coordinator",
                cancellationToken);
            ambient.EnlistVolatile(new Enlistment(this, id), EnlistmentOptions.None);
            ambient.TransactionCompleted += (_, _) => _declared.TryRemove(key, out _);
            outside.Complete();
            return id;
        }
        catch
        {
            _declared.TryRemove(key, out _);
            throw;
        }
    }

    private async Task<Outcome?> SendAsync(Message message, CancellationToken cancellationToken)
    {
        var link = await _link.GetAsync(cancellationToken);
        var settled = new TaskCompletionSource<Outcome?>(TaskCreationOptions.RunContinuationsAsynchronously);
        link.Send(message, (_, _, outcome, _) => settled.TrySetResult(outcome), null);
        return await settled.Task.WaitAsync(cancellationToken) switch
        {
            Rejected rejected => throw new AmqpException(rejected.Error ?? new Error(ErrorCode.TransactionRollback)),
            Released => throw new AmqpException(new Error(ErrorCode.DetachForced)),
            var outcome => outcome,
        };
    }

    // Not repeated: after a lost answer nobody can tell whether it was done.
    private async Task DischargeAsync(byte[] id, bool isRollback)
    {
        using var patience = new CancellationTokenSource(_retry.Options.TryTimeout, _retry.Time);
        await SendAsync(new Message(new Discharge { TxnId = id, Fail = isRollback }), patience.Token);
    }

    private sealed class Enlistment(TransactionCoordinator coordinator, byte[] id) : ISinglePhaseNotification
    {
        public void SinglePhaseCommit(SinglePhaseEnlistment singlePhaseEnlistment) => _ = EndAsync(
            isRollback: false,
            singlePhaseEnlistment.Committed,
            exception => singlePhaseEnlistment.Aborted(exception));

        public void Prepare(PreparingEnlistment preparingEnlistment) => preparingEnlistment.Prepared();

        public void Commit(System.Transactions.Enlistment enlistment) => _ = EndAsync(isRollback: false, enlistment.Done, _ => enlistment.Done());

        public void Rollback(System.Transactions.Enlistment enlistment) => _ = EndAsync(isRollback: true, enlistment.Done, _ => enlistment.Done());

        public void InDoubt(System.Transactions.Enlistment enlistment) => enlistment.Done();

        private async Task EndAsync(bool isRollback, Action done, Action<Exception> failed)
        {
            try
            {
                await coordinator.DischargeAsync(id, isRollback);
                done();
            }
            catch (Exception exception)
            {
                // A rollback that is not heard happens by itself when the link or the transaction's time ends.
                failed(AmqpErrors.Translate(exception, null));
            }
        }
    }
}
